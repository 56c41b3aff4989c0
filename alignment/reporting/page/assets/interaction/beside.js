"use strict";

/** What stands beside an interaction: its ratings, and the ways to what belongs to it. */
(() => {
  const { Rating, Text, difference, html, link, rated, useLoaded, useMemo, useResult, visible } = sandbox;
  const { rise } = sandbox.interactions;

  /** Links of a list that are shown before "all". */
  const LINKS = 6;
  const ASPECTS = ["alignment", "engagement"];

  /** Return the rating that an observer gave. */
  function given(observations, observer, aspect, judged) {
    return observations.find((one) => one.observer === observer && one.aspect === aspect && one.judged === judged)?.rating ?? null;
  }

  /** Show a rating that an observer was asked for, or in words that there is none. */
  const asked = (value) => (value === null ? html`<span class="tag fair">missing</span>` : rated(value));

  function mean(values) {
    const known = values.filter((value) => value !== null);
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  }

  /** Tokens and cost of all that was said. */
  function Spent({ interaction }) {
    const { draft, feedback, observations = [], revision } = interaction;
    const spent = [draft, revision, ...feedback, ...observations].map((said) => said.tokens ?? {});
    const sum = (name) => spent.reduce((total, tokens) => total + (tokens[name] ?? 0), 0);
    const usd = sum("usd");
    return html`<p class="row small"><span class="quiet">Tokens</span>
      <span>${sum("prompt").toLocaleString("en")} read, ${sum("completion").toLocaleString("en")} written${usd > 0 && `, $${usd.toPrecision(2)}`}</span></p>`;
  }

  /** Ratings of the observers before and after; each observer's own where there are several. */
  function Ratings({ interaction, scale }) {
    const { observations = [] } = interaction;
    const observers = [...new Set(observations.map((one) => one.observer))];
    const of = (aspect, judged) => mean(observers.map((name) => given(observations, name, aspect, judged)));
    const errors = observations.filter((one) => one.error);
    return html`<section aria-labelledby="ratings"><h2 id="ratings">Ratings</h2>
      <div class="scroll-x" tabindex="0" role="group" aria-label="Ratings by the observers"><table class="ratings">
        <thead><tr><th scope="col">Observers</th><th scope="col" class="number">Draft</th><th scope="col" class="number">Revision</th><th scope="col" class="number">Rise</th></tr></thead>
        <tbody>${ASPECTS.map((aspect) => {
          const [before, after] = [of(aspect, "draft"), of(aspect, "revision")];
          return html`<tr class="overall"><th scope="row">${aspect}</th><td class="number">${asked(before)}</td><td class="number">${asked(after)}</td>
              <td class="number">${difference(before === null || after === null ? null : after - before)}</td></tr>
            ${observers.length > 1 &&
            observers.map((name) => {
              const [first, second] = ["draft", "revision"].map((judged) => given(observations, name, aspect, judged));
              return html`<tr><th scope="row"><${Text} inline value=${name} limit=${40} /></th><td class="number">${asked(first)}</td>
                <td class="number">${asked(second)}</td><td class="number">${difference(first === null || second === null ? null : second - first)}</td></tr>`;
            })}`;
        })}</tbody>
      </table></div>
      ${!observations.length && html`<p class="quiet small">No observer rated this interaction.</p>`}
      <p class="row small"><span class="quiet">Peers' mean</span><${Rating} value=${interaction.mean_rating} scale=${scale} /></p>
      <${Spent} interaction=${interaction} />
      <p class="row small"><span class="quiet">Reward</span> ${difference(interaction.reward ?? null)}</p>
      ${errors.map((one) => html`<p class="small problem"><${Text} inline value=${`${one.observer}: ${one.error}`} limit=${300} /></p>`)}
    </section>`;
  }

  /** One interaction in a list of links. */
  function Entry({ table, row, current, label }) {
    return html`<li><a href=${link({ view: "interaction", path: table.id[row].split("/") })} aria-current=${row === current ? "true" : undefined}>
      <span><${Text} inline value=${label} limit=${60} /></span>
      <span class="quiet number">${rated(table.draft_alignment[row])} → ${rated(table.revision_alignment[row])}</span>
      ${difference(rise(table, row))}</a></li>`;
  }

  /** A list of links to interactions with a way to all of them. */
  function Entries({ id, title, table, rows, current, label, query }) {
    if (!rows.length) return null;
    const place = Math.max(0, rows.indexOf(current));
    const start = Math.max(0, Math.min(place - Math.floor(LINKS / 2), rows.length - LINKS));
    return html`<section aria-labelledby=${id}><h2 id=${id}>${title}</h2>
      <ul class="entries">${rows
        .slice(start, start + LINKS)
        .map((row) => html`<${Entry} key=${row} table=${table} row=${row} current=${current} label=${label(row)} />`)}</ul>
      ${rows.length > LINKS && html`<a class="small" href=${link({ view: "interactions", query })}>all ${rows.length.toLocaleString("en")}</a>`}
    </section>`;
  }

  /** Rows of the same agent in other rounds, and of the same question by others. */
  function relatives(table, row) {
    const history = [];
    const others = [];
    for (let other = 0; other < table.id.length; other += 1) {
      if (table.agent[other] === table.agent[row] && table.world[other] === table.world[row]) history.push(other);
      else if (table.question[other] === table.question[row]) others.push(other);
    }
    history.sort((a, b) => table.round[a] - table.round[b]);
    return { history, others };
  }

  /** The training groups that the interaction became a part of. */
  function Groups({ run, numbers }) {
    const { value: table } = useLoaded(numbers.length > 0 && `${run.key}/group_table`);
    if (!numbers.length) {
      return html`<section aria-labelledby="became"><h2 id="became">Became data</h2>
        <p class="small quiet">${run.counts.groups ? "It is in no training group." : "This run has made no training data."}</p></section>`;
    }
    return html`<section aria-labelledby="became"><h2 id="became">Became data</h2>
      <ul class="entries">${numbers.map(
        (number) => html`<li key=${number}><a href=${link({ view: "group", path: [number] })}>
          <span>${table ? visible(table.names.kind[table.kind[number]]).replaceAll("_", "-") : "group"}</span><span class="quiet number">group ${number}</span></a></li>`,
      )}</ul></section>`;
  }

  /** What each model answers to this question now, or to the nearest questions. */
  function Answers({ run, numbers, question }) {
    const { value: table } = useLoaded(numbers.length > 0 && `${run.key}/answer_table`);
    if (!numbers.length) return null;
    if (!table) return null;
    const same = table.question[numbers[0]].slice(0, 100) === question.slice(0, 100);
    const source = (number) => visible(table.names.source[table.source[number]]).replaceAll("_", " ");
    return html`<section aria-labelledby="answered"><h2 id="answered">${same ? "Models on this question" : "Models on the nearest questions"}</h2>
      <ul class="entries">${numbers
        .slice(0, LINKS)
        .map((number) => html`<li key=${number}><a href=${link({ view: "answer", path: [number] })}>
          <span><${Text} inline value=${table.question[number]} limit=${90} /></span><span class="quiet">${source(number)}</span></a></li>`)}</ul></section>`;
  }

  /** The same question in the other runs of the page. */
  function OtherRuns({ run, runs, question }) {
    const others = runs.filter((each) => each.key !== run.key);
    const { value: counts } = useResult(`other runs ${run.key} ${question}`, () => Promise.all(others.map((each) => found(each, question))));
    const rows = counts?.filter(({ count }) => count > 0) ?? [];
    if (!rows.length) return null;
    return html`<section aria-labelledby="elsewhere"><h2 id="elsewhere">Same question in other runs</h2>
      <ul class="entries">${rows.map(
        ({ each, number, count }) => html`<li key=${each.key}><a href=${link({ run: each.key, view: "interactions", query: { question: number } })}>
          <span><${Text} inline value=${each.name} limit=${60} /></span><span class="quiet number">${count}</span></a></li>`,
      )}</ul></section>`;
  }

  /** Count how often a run asked a question; a run that cannot be read did not ask. */
  async function found(each, question) {
    try {
      const table = await sandbox.load(`${each.key}/table`);
      const number = table.names.question.indexOf(question);
      return { each, number, count: number < 0 ? 0 : table.question.filter((one) => one === number).length };
    } catch {
      return { each, number: -1, count: 0 };
    }
  }

  /** All that stands beside an interaction. */
  function Beside({ run, runs, table, row, record }) {
    const { interaction } = record;
    const { history, others } = useMemo(() => relatives(table, row), [table, row]);
    const name = (other) => table.names.agent[table.agent[other]];
    const place = (other) => `${name(other)}, round ${table.round[other]}${table.names.world.length > 1 ? `, ${table.names.world[table.world[other]]}` : ""}`;
    return html`<aside aria-label="Ratings and links" class="beside-column">
      <${Ratings} interaction=${interaction} scale=${interaction.rating_scale ?? run.rating_scale} />
      <${Groups} run=${run} numbers=${record.groups} />
      <${Answers} run=${run} numbers=${record.answers} question=${interaction.question} />
      <${Entries} id="history" title=${`History of ${visible(interaction.agent)}`} table=${table} rows=${history} current=${row}
        label=${(other) => `round ${table.round[other]}`} query=${{ agent: interaction.agent, world: interaction.world, sort: "round" }} />
      <${Entries} id="others" title="Same question, others" table=${table} rows=${others} current=${row} label=${place} query=${{ question: table.question[row] }} />
      <${OtherRuns} run=${run} runs=${runs} question=${interaction.question} />
    </aside>`;
  }

  Object.assign(sandbox, { Beside, ModelAnswers: Answers });
})();
