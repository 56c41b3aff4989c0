"use strict";

/** View: one interaction from the question to the revision, and what belongs to it. */
(() => {
  const { Beside, Draft, Feedback, Memory, Prompts, Revision, Text, Waiting, html, link } = sandbox;
  const { Find, termsOf, useLoaded, useMemo, useRecord, useSelection, useState } = sandbox;

  const COPIED_MS = 1500;
  /** Letters of the question in the title; a longer one follows below. */
  const TITLE = 400;

  function Interaction({ run, runs, route }) {
    const { value: table, error } = useLoaded(`${run.key}/table`);
    if (!table) return html`<${Waiting} error=${error} />`;
    const id = route.path.join("/");
    const row = table.id.indexOf(id);
    if (row < 0) {
      return html`<p class="notice problem" role="alert">This run has no interaction <${Text} inline value=${id} limit=${100} />.
        ${" "}<a href=${link({ view: "interactions" })}>All interactions</a></p>`;
    }
    return html`<${Shown} run=${run} runs=${runs} route=${route} table=${table} row=${row} />`;
  }

  /** A button that copies the address of what is shown. */
  function CopyLink() {
    const [said, setSaid] = useState("");
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(location.href);
        setSaid("Copied");
      } catch {
        setSaid("Copy the address from the browser's bar");
      }
      setTimeout(() => setSaid(""), COPIED_MS);
    };
    return html`<button class="no-print" onClick=${copy}>Copy link</button><span role="status" class="small quiet">${said}</span>`;
  }

  /** The way through the list that the address selects. */
  function Steps({ run, table, row, route }) {
    const { rows } = useSelection(run, table, route.query);
    const place = rows.indexOf(row);
    const address = (to) => link({ view: "interaction", path: table.id[rows[to]].split("/"), query: route.query });
    const list = link({ view: "interactions", query: route.query });
    const move = (by) => () => {
      const to = place + by;
      if (place < 0 || to < 0 || to >= rows.length) return;
      sandbox.interactions.look(run.key, rows[to]);
      location.hash = address(to);
    };
    sandbox.useKeys({
      j: { does: "Next interaction", act: move(1) },
      ArrowRight: { does: "Next interaction", act: move(1) },
      k: { does: "Previous interaction", act: move(-1) },
      ArrowLeft: { does: "Previous interaction", act: move(-1) },
      Escape: { does: "Back to the list", act: () => (location.hash = list) },
    });
    return html`<nav class="row steps no-print" aria-label="Interactions">
      <a href=${list} onClick=${() => sandbox.interactions.look(run.key, row)}>← All interactions</a>
      <span class="row">
      ${place >= 0 &&
      html`<button disabled=${place === 0} onClick=${move(-1)} title="Previous (k)">Previous</button>
        <span class="small quiet">${(place + 1).toLocaleString("en")} of ${rows.length.toLocaleString("en")}</span>
        <button disabled=${place === rows.length - 1} onClick=${move(1)} title="Next (j)">Next</button>`}
      <${CopyLink} /></span>
    </nav>`;
  }

  function Shown({ run, runs, route, table, row }) {
    const { value: record, error } = useRecord(run.key, "interactions", row);
    const find = useMemo(() => termsOf(route.query.search ?? ""), [route.query.search]);
    return html`<div class="stack">
      <${Steps} run=${run} table=${table} row=${row} route=${route} />
      ${record
        ? html`<${Find.Provider} value=${find}><${Content} key=${row} run=${run} runs=${runs} table=${table} row=${row} record=${record} /><//>`
        : html`<${Waiting} error=${error} />`}
    </div>`;
  }

  function Content({ run, runs, table, row, record }) {
    const { interaction } = record;
    const filter = (name, value) => link({ view: "interactions", query: { [name]: value } });
    const facts = [["kind", interaction.kind], ["view", interaction.view], ["agent", interaction.agent], ["world", interaction.world], ["round", interaction.round]];
    return html`<article class="stack">
      <header class="stack question">
        <h1 dir="auto"><${Text} inline value=${interaction.question} limit=${TITLE} /></h1>
        ${interaction.question.length > TITLE && html`<${Text} value=${interaction.question} limit=${2000} />`}
        <ul class="particulars">${facts.map(
          ([name, value]) => html`<li key=${name}><span class="quiet">${name}</span> <a href=${filter(name, value)}><${Text} inline value=${String(value)} limit=${60} /></a></li>`,
        )}</ul>
      </header>
      <div class="columns">
        <div class="stack">
          <${Memory} memory=${interaction.memory} />
          <${Draft} draft=${interaction.draft} />
          <${Feedback} interaction=${interaction} scale=${interaction.rating_scale ?? run.rating_scale} />
          <${Revision} draft=${interaction.draft} revision=${interaction.revision} />
          <${Prompts} prompts=${record.prompts} />
        </div>
        <${Beside} run=${run} runs=${runs} table=${table} row=${row} record=${record} />
      </div>
    </article>`;
  }

  sandbox.views.interaction = { title: "Interaction", within: "interactions", component: Interaction };
})();
