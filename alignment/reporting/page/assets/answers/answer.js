"use strict";
// One question, and what each model answered.
(() => {
  const { html, link, number, useMemo, useState } = sandbox;

  /** Words of two answers: those that only one of them has are marked. */
  function Words({ before, after, side }) {
    const parts = useMemo(() => Diff.diffWords(before, after), [before, after]);
    return html`<div class="text" dir="auto">
      ${parts
        .filter((part) => (side === "before" ? !part.added : !part.removed))
        .map((part) => {
          const text = sandbox.textChildren(part.value);
          if (part.removed) return html`<del>${text}</del>`;
          return part.added ? html`<ins>${text}</ins>` : text;
        })}
    </div>`;
  }

  /** Longer answers are not compared word by word: that takes too long, and nobody reads the result. */
  const LONGEST = 20_000;

  /** What one model said, with its scores and their distance from the first model. */
  function Answer({ name, answer, base, isFirst, marked }) {
    const scores = Object.entries(answer.scores ?? {});
    const change = (score, value) => {
      const before = base?.scores?.[score] ?? null;
      return isFirst || before === null || value === null ? null : value - before;
    };
    const comparable = marked && base && Math.max(base.text.length, answer.text.length) < LONGEST;
    return html`<section class="card answer" aria-label=${`Answer of ${name}`}>
      <h2><${sandbox.Text} inline value=${name} limit=${300} /></h2>
      <p class="row small">
        ${answer.refusal === true && html`<span class="tag">refusal</span>`}
        ${answer.refusal === false && html`<span class="quiet">no refusal</span>`}
        ${answer.error && html`<span class="tag poor">error</span> <${sandbox.Text} inline value=${answer.error} limit=${300} />`}
      </p>
      ${comparable && !isFirst
        ? html`<${Words} before=${base.text} after=${answer.text} side="after" />`
        : html`<${sandbox.Text} value=${answer.text} />`}
      ${scores.length > 0 &&
      html`<table class="answer-scores">
        <tbody>
          ${scores.map(([score, value]) => {
            const difference = change(score, value);
            return html`<tr>
              <th scope="row">${score.replaceAll("_", " ")}</th>
              <td class="number"><b>${number(value)}</b></td>
              <td>${difference !== null && html`<${sandbox.ChangeMark} word=${sandbox.changeWord(difference)} difference=${difference} />`}</td>
            </tr>`;
          })}
        </tbody>
      </table>`}
    </section>`;
  }

  /** Interactions of the society about the same question, or about the nearest one. */
  function Related({ run, record, table }) {
    if (!record.interactions.length || !table) return null;
    return html`<section class="answer-related">
      <h2>In the society</h2>
      <ul>
        ${record.interactions.map((row) => {
          const question = table.names.question[table.question[row]];
          return html`<li>
            <a href=${link({ run: run.key, view: "interaction", path: table.id[row].split("/") })}><${sandbox.Text} inline value=${table.id[row]} limit=${300} /></a>${" "}
            <span class="quiet">${question === record.question ? "the same question: " : "a question that is near: "}</span>
            <${sandbox.Text} inline value=${question} limit=${160} />
          </li>`;
        })}
      </ul>
    </section>`;
  }

  /** Further fields of a benchmark's item. */
  function Detail({ detail }) {
    const fields = Object.entries(detail ?? {});
    if (fields.length === 0) return null;
    return html`<details class="answer-detail">
      <summary>The item of the benchmark</summary>
      <dl class="run-facts">${fields.map(([name, value]) => html`<div><dt><${sandbox.Text} inline value=${name} limit=${300} /></dt><dd><${sandbox.Text} value=${value} /></dd></div>`)}</dl>
    </details>`;
  }

  /** The question with all answers, once the record is there. */
  function AnswerRecord({ run, record, place, last, query, table }) {
    const [marked, setMarked] = useState(false);
    const names = [...new Set([...run.models, ...Object.keys(record.answers)])].filter((name) => record.answers[name]);
    const base = record.answers[names[0]];
    const step = (to) => link({ run: run.key, view: "answer", path: [to], query });
    sandbox.useKeys({
      ArrowLeft: { does: "Previous answer", act: () => place > 0 && sandbox.go({ run: run.key, view: "answer", path: [place - 1], query }) },
      ArrowRight: { does: "Next answer", act: () => place < last && sandbox.go({ run: run.key, view: "answer", path: [place + 1], query }) },
      m: { does: "Mark words that differ", act: () => setMarked((now) => !now) },
    });
    return html`<article class="answer-view">
      <nav class="row small" aria-label="Around this answer">
        <a href=${link({ run: run.key, view: "answers", query })}>All answers</a>
        ${place > 0 && html`<a href=${step(place - 1)} rel="prev">Previous</a>`}
        ${place < last && html`<a href=${step(place + 1)} rel="next">Next</a>`}
      </nav>
      <h1><${sandbox.Text} inline value=${record.question} limit=${600} /></h1>
      <p class="quiet">
        ${sandbox.sourceName(record.source)}${record.kind && html` · <${sandbox.Text} inline value=${record.kind} limit=${300} />`} · number ${place}${record.sample > 0 && `, sample ${record.sample + 1}`}
      </p>
      ${names.length > 1 &&
      html`<label class="inline-field"><input type="checkbox" checked=${marked} onChange=${(event) => setMarked(event.target.checked)} />
        mark words that differ from <${sandbox.Text} inline value=${names[0]} limit=${300} /></label>`}
      <div class="answer-columns">
        ${names.map((name, order) => html`<${Answer} key=${name} name=${name} answer=${record.answers[name]} base=${base} isFirst=${order === 0} marked=${marked} />`)}
      </div>
      <${Related} run=${run} record=${record} table=${table} />
      <${Detail} detail=${record.detail} />
    </article>`;
  }

  /** The view of `#/RUN/answer/NUMBER`. */
  function AnswerView({ run, route }) {
    const place = Number(route.path[0]);
    const { value: record, error } = sandbox.useRecord(run.key, "answers", Number.isInteger(place) ? place : -1);
    const { value: table } = sandbox.useLoaded(`${run.key}/table`);
    if (!record) return html`<${sandbox.Waiting} error=${error} />`;
    return html`<${AnswerRecord} key=${place} run=${run} record=${record} place=${place} last=${run.counts.answers - 1} query=${route.query} table=${table} />`;
  }

  sandbox.views.answer = { title: "Answer", within: "answers", component: AnswerView };
})();
