"use strict";

/** View: one group of the training data, its candidates by rating, and where each comes from. */
(() => {
  const { ModelAnswers, Rating, Text, Waiting, html, link, useLoaded, useMemo, useRecord, useResult } = sandbox;
  const { kindName, look, selected } = sandbox.groups;

  /** What an agent wrote in a phase. */
  const PHASES = Object.assign(Object.create(null), { draft: "draft", revise: "revision" });

  function Group({ run, route }) {
    const number = Number(route.path[0]);
    const { value: table } = useLoaded(run.counts.groups > 0 && `${run.key}/group_table`);
    // A number beyond the last group has no chunk that could be loaded.
    const { value: record, error } = useRecord(run.key, "groups", number < run.counts.groups ? number : NaN);
    return html`<div class="stack">
      <${Steps} run=${run} table=${table} number=${number} query=${route.query} />
      ${record ? html`<${Content} key=${number} run=${run} number=${number} record=${record} />` : html`<${Waiting} error=${error} />`}
    </div>`;
  }

  /** The way through the list of groups that the address selects. */
  function Steps({ run, table, number, query }) {
    const rows = useMemo(() => (table ? selected(table, query) : []), [table, query.kind, query.search, query.sort]);
    const place = rows.indexOf(number);
    const list = link({ view: "data", query });
    const move = (by) => () => {
      const to = rows[place + by];
      if (place < 0 || to === undefined) return;
      look(run.key, to);
      location.hash = link({ view: "group", path: [to], query });
    };
    sandbox.useKeys({
      j: { does: "Next group", act: move(1) },
      ArrowRight: { does: "Next group", act: move(1) },
      k: { does: "Previous group", act: move(-1) },
      ArrowLeft: { does: "Previous group", act: move(-1) },
      Escape: { does: "Back to the data", act: () => (location.hash = list) },
    });
    return html`<nav class="row steps no-print" aria-label="Groups"><a href=${list}>← All groups</a>
      ${place >= 0 &&
      html`<span class="row"><button disabled=${place === 0} onClick=${move(-1)} title="Previous (k)">Previous</button>
        <span class="small quiet">${(place + 1).toLocaleString("en")} of ${rows.length.toLocaleString("en")}</span>
        <button disabled=${place === rows.length - 1} onClick=${move(1)} title="Next (j)">Next</button></span>`}
    </nav>`;
  }

  /** Candidates with their places in the record, the best-rated one first. */
  function byRating(candidates) {
    return [...candidates.entries()].sort(([, a], [, b]) => (b.rating ?? -Infinity) - (a.rating ?? -Infinity));
  }

  function Content({ run, number, record }) {
    const { group, interactions } = record;
    const scale = group.rating_scale ?? run.rating_scale;
    return html`<article class="stack">
      <header class="row title"><h1>Group ${number}</h1><span class="tag">${kindName(group.kind)}</span>
        <span class="small quiet"><${Text} inline value=${group.id} limit=${120} /></span></header>
      <section class="card" aria-labelledby="prompt"><h2 id="prompt">Prompt</h2>
        ${group.prompt.map((message) => html`<div class="message"><span class="role"><${Text} inline value=${message.role} limit=${40} /></span><${Text} value=${message.content} limit=${2000} /></div>`)}
      </section>
      <section class="stack" aria-labelledby="candidates"><h2 id="candidates">${group.candidates.length} ${group.candidates.length === 1 ? "candidate" : "candidates"}, by rating</h2>
        <ol class="candidates stack">${byRating(group.candidates).map(
          ([place, candidate]) => html`<${Candidate} key=${place} run=${run} candidate=${candidate} row=${interactions[place] ?? null} scale=${scale} />`,
        )}</ol>
      </section>
      <${Models} run=${run} row=${interactions.find((row) => row !== null)} />
    </article>`;
  }

  /** What the models answer to the question of the group, known from the interaction it is from. */
  function Models({ run, row }) {
    const { value: record } = useResult(`models ${run.key} ${row}`, async () =>
      row === undefined ? undefined : sandbox.loadRecord(run.key, "interactions", row),
    );
    if (!record) return null;
    return html`<div class="models"><${ModelAnswers} run=${run} numbers=${record.answers} question=${record.interaction.question} /></div>`;
  }

  function Candidate({ run, candidate, row, scale }) {
    const source = candidate.source ?? {};
    return html`<li class="card"><div class="row card-head">
        <${Rating} value=${candidate.rating} scale=${scale} />
        ${candidate.rater && html`<span class="small quiet">by <${Text} inline value=${candidate.rater} limit=${60} /></span>`}
        ${candidate.valid === false && html`<span class="tag poor">not valid</span>`}
        ${candidate.ends === false && html`<span class="tag" title="The answer reached the limit of tokens: training teaches no end here.">cut off</span>`}
        <span class="from small"><${Source} run=${run} source=${source} row=${row} /></span>
      </div>
      <${Text} value=${candidate.text} /></li>`;
  }

  /** Where a candidate comes from: an interaction, or what its file says. */
  function Source({ run, source, row }) {
    const words = [PHASES[source.phase] ?? source.phase, source.agent].filter(Boolean).join(" of ");
    if (row !== null && source.interaction) {
      return html`<a href=${link({ run: run.key, view: "interaction", path: source.interaction.split("/") })}>
        <${Text} inline value=${`${words || "from"}, ${source.interaction}`} limit=${120} /></a>`;
    }
    const known = Object.entries(source).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
    return html`<span class="quiet"><${Text} inline value=${known.join(", ") || "from elsewhere"} limit=${160} /></span>`;
  }

  sandbox.views.group = { title: "Group", within: "data", component: Group };
})();
