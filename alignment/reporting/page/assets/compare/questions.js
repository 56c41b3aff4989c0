"use strict";
// The same question in several runs: who was asked, how the answers were rated, what they say.
(() => {
  const { html, link, number, useEffect, useMemo, useState } = sandbox;
  const SHOWN = 30;

  /** For each question that several runs have: in which runs, and how often. */
  function sharedQuestions(tables) {
    const found = new Map();
    tables.forEach((table, order) => {
      for (const question of table.names.question) {
        if (!found.has(question)) found.set(question, []);
        found.get(question).push(order);
      }
    });
    return [...found].filter(([, places]) => places.length > 1).map(([question, places]) => ({ question, places }));
  }

  /** The rows of a table about a question. */
  function rowsOf(table, question) {
    const place = table.names.question.indexOf(question);
    return place < 0 ? [] : d3.range(table.id.length).filter((row) => table.question[row] === place);
  }

  /** The interactions of one run about the question. */
  function InRun({ run, table, question }) {
    const rows = rowsOf(table, question);
    const mean = (column) => number(d3.mean(rows, (row) => table[column][row]) ?? null);
    return html`<section class="card same-question" aria-label=${run.name}>
      <h3><${sandbox.Text} inline value=${run.name} limit=${300} /></h3>
      ${rows.length === 0
        ? html`<p class="quiet">Not asked in this run.</p>`
        : html`<p class="small quiet">
            asked ${rows.length} ${rows.length === 1 ? "time" : "times"} · mean alignment ${mean("draft_alignment")} to
            ${" "}${mean("revision_alignment")}
          </p>`}
      <ul class="plain-list">
        ${rows.slice(0, SHOWN).map(
          (row) => html`<li>
            <a href=${link({ run: run.key, view: "interaction", path: table.id[row].split("/") })}><${sandbox.Text} inline value=${table.id[row]} limit=${300} /></a>${" "}
            <span class="small">alignment ${number(table.draft_alignment[row])} to ${number(table.revision_alignment[row])}, peers ${number(table.mean_rating[row])}</span>
            <p class="quiet small">“<${sandbox.Text} inline value=${table.extract[row]} limit=${80} />…”</p>
          </li>`,
        )}
      </ul>
      ${rows.length > SHOWN && html`<p class="quiet small">and ${rows.length - SHOWN} more</p>`}
    </section>`;
  }

  /** Load one table of each run; null for a run that has none. */
  function useTables(runs, name) {
    const [tables, setTables] = useState(null);
    const key = runs.map((run) => run.key).join("\n");
    useEffect(() => {
      let current = true;
      Promise.all(runs.map((run) => sandbox.load(`${run.key}/${name}`).catch(() => null))).then((loaded) => current && setTables(loaded));
      return () => {
        current = false;
      };
    }, [key, name, sandbox.index?.stamp]);
    return tables;
  }

  /**
   * The choice of a question, and its interactions in each run.
   *
   * @param props `runs`: `Run` records; `question`: number among the shared ones, from the address;
   *   `show`: changes the address.
   */
  sandbox.SameQuestion = function SameQuestion({ runs, question, show }) {
    const [find, setFind] = useState("");
    const tables = useTables(runs, "table");
    const shared = useMemo(() => (tables ? sharedQuestions(tables.filter(Boolean)) : []), [tables]);
    if (!tables) return html`<${sandbox.Waiting} />`;
    const words = find.toLowerCase();
    const listed = shared.map((one, place) => ({ ...one, place })).filter((one) => one.question.toLowerCase().includes(words));
    const chosen = shared[question];
    return html`<section aria-labelledby="same-question" class="society-part">
      <h2 id="same-question">The same question in each run</h2>
      ${shared.length === 0
        ? html`<p class="quiet">No question was asked in more than one of the runs.</p>`
        : html`<div class="question-choice">
            <label class="inline-field">search
              <input type="search" data-search value=${find} onInput=${(event) => setFind(event.target.value)} placeholder="words of the question" /></label>
            <label class="inline-field">question
              <select value=${chosen ? String(question) : ""} onChange=${(event) => show({ question: event.target.value })}>
                <option value="">choose one of ${number(listed.length)}</option>
                ${listed.slice(0, 500).map((one) => html`<option value=${String(one.place)}>${one.question.slice(0, 110)}</option>`)}
                ${chosen && !listed.slice(0, 500).some((one) => one.place === question) && html`<option value=${String(question)}>${chosen.question.slice(0, 110)}</option>`}
              </select>
            </label>
          </div>`}
      ${chosen &&
      html`<p class="chosen-question"><${sandbox.Text} inline value=${chosen.question} limit=${600} /></p>
        <div class="answer-columns">
          ${runs.map((run, order) => tables[order] && html`<${InRun} key=${run.key} run=${run} table=${tables[order]} question=${chosen.question} />`)}
        </div>`}
    </section>`;
  };
})();
