"use strict";
// Answers of the models side by side: those that got better, got worse, or are refused.
(() => {
  const { html, link, number, signed, useEffect, useLayoutEffect, useMemo, useState } = sandbox;
  const PAGE = 50;
  const SIGNS = { better: "▲", worse: "▼", same: "=", unknown: "○" };
  const TONES = { better: "good", worse: "poor", same: "quiet", unknown: "quiet" };
  const CHANGES = {
    "": "all answers",
    better: "got better",
    worse: "got worse",
    same: "same",
    unknown: "not comparable",
    refuses: "refused by the later model only",
    answers: "refused by the first model only",
  };

  /** How much better or worse, as a sign, a word and a number. */
  sandbox.ChangeMark = function ChangeMark({ word, difference }) {
    return html`<span class=${`verdict tone-${TONES[word]}`}>
      <span aria-hidden="true">${SIGNS[word]}</span> ${word}${difference === null || word === "same" ? "" : ` ${signed(difference)}`}
    </span>`;
  };

  /** A field with its label. */
  function Choice({ label, value, options, onChange }) {
    return html`<label class="inline-field">${label}
      <select value=${value} onChange=${(event) => onChange(event.target.value)}>
        ${options.map(([name, words]) => html`<option value=${name}>${words}</option>`)}
      </select>
    </label>`;
  }

  /** The filters, the search and the order; all of them are in the address. */
  function Filters({ run, table, query, model, score, show }) {
    const [words, setWords] = useState(query.find ?? "");
    useLayoutEffect(() => setWords(query.find ?? ""), [query.find]);
    useEffect(() => {
      if (words === (query.find ?? "")) return undefined;
      const timer = setTimeout(() => show({ find: words }), 150);
      return () => clearTimeout(timer);
    }, [words]);
    const names = sandbox.scoreNames(table);
    const named = (list) => list.map((name) => [name, name]);
    return html`<form class="answer-filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label class="inline-field">search
        <input type="search" data-search value=${words} placeholder="questions and beginnings of answers"
          onInput=${(event) => setWords(event.target.value)} />
      </label>
      <${Choice} label="show" value=${query.change ?? ""} options=${Object.entries(CHANGES)} onChange=${(change) => show({ change })} />
      ${run.models.length > 2 &&
      html`<${Choice} label=${`${run.models[0]} against`} value=${model} options=${named(run.models.slice(1))} onChange=${(value) => show({ model: value })} />`}
      ${names.length > 1 &&
      html`<${Choice} label="by" value=${score} options=${[["any", "the main score"], ...named(names)]} onChange=${(value) => show({ score: value })} />`}
      ${table.names.source.length > 1 &&
      html`<${Choice} label="from" value=${query.source ?? ""}
        options=${[["", "all sources"], ...table.names.source.map((name) => [name, sandbox.sourceName(name)])]}
        onChange=${(source) => show({ source })} />`}
      ${table.names.kind.length > 1 &&
      html`<${Choice} label="kind" value=${query.kind ?? ""} options=${[["", "all kinds"], ...named(table.names.kind)]} onChange=${(kind) => show({ kind })} />`}
      <${Choice} label="sorted by" value=${query.sort ?? ""}
        options=${[["", "order of the file"], ["change", "change, best first"], ["-change", "change, worst first"]]}
        onChange=${(sort) => show({ sort })} />
    </form>`;
  }

  /** What a model said to a question, shortened, with its score. */
  function Extract({ table, row, model, score }) {
    const value = table.scores[model]?.[score]?.[row] ?? null;
    return html`<div class="answer-extract">
      <p class="small quiet">
        <${sandbox.Text} inline value=${model} limit=${300} />${value !== null && html` · ${score} <b>${number(value)}</b>`}
        ${table.refusal[model]?.[row] && html` · <span class="tag">refusal</span>`}
        ${table.error[model]?.[row] && html` · <span class="tag poor">error</span>`}
      </p>
      <p><${sandbox.Text} inline value=${table.extract[model]?.[row] ?? ""} limit=${160} />${(table.extract[model]?.[row] ?? "").length >= 160 && "…"}</p>
    </div>`;
  }

  /** The view, once the table is there. */
  function AnswerList({ run, table, route }) {
    const { query } = route;
    const [base, ...others] = run.models;
    const model = others.includes(query.model) ? query.model : others.at(-1) ?? base;
    const score = query.score ?? "any";
    const { rows, counts } = useMemo(
      () => sandbox.chosenRows(table, query, base, model, score),
      [table, query.source, query.kind, query.change, query.find, query.sort, model, score],
    );
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    const page = Math.max(1, Math.min(pages, Number(query.page) || 1));
    const shown = rows.slice((page - 1) * PAGE, page * PAGE);
    const [place, setPlace] = useState(-1);
    const show = (change) =>
      sandbox.go({ run: run.key, view: "answers", query: { ...query, page: "", ...change } }, { replace: true });
    useLayoutEffect(() => setPlace(-1), [rows, page]);
    const focus = (next) => {
      const within = Math.max(0, Math.min(shown.length - 1, next));
      setPlace(within);
      document.querySelector(`[data-answer="${within}"]`)?.focus();
    };
    sandbox.useKeys({
      j: { does: "Next answer", act: () => focus(place + 1) },
      k: { does: "Previous answer", act: () => focus(place - 1) },
      ArrowDown: { does: "Next answer", act: () => focus(place + 1) },
      ArrowUp: { does: "Previous answer", act: () => focus(place - 1) },
      n: { does: "Next page", act: () => page < pages && show({ page: page + 1 }) },
      p: { does: "Previous page", act: () => page > 1 && show({ page: page - 1 }) },
    });
    return html`<div class="answers-view">
      <h1>Answers</h1>
      <${Filters} run=${run} table=${table} query=${query} model=${model} score=${score} show=${show} />
      <p class="answer-count" role="status">
        <b>${number(rows.length)}</b> of ${number(table.question.length)}
        ${others.length > 0 && ["better", "worse", "same"].map((word) => html`<button type="button" class="plain count" aria-pressed=${String(query.change === word)}
          onClick=${() => show({ change: query.change === word ? "" : word })}>${SIGNS[word]} ${number(counts[word])} ${word}</button>`)}
      </p>
      ${rows.length === 0 && html`<p class="notice">No answer passes these filters. <a href=${link({ run: run.key, view: "answers" })}>Show all</a></p>`}
      <ol class="answers" start=${(page - 1) * PAGE + 1}>
        ${shown.map(
          ({ row, change, word, refusal }, order) => html`<li key=${row} class="answer-line">
            <div class="answer-head">
              <a data-answer=${order} href=${link({ run: run.key, view: "answer", path: [row], query: { ...query, page: "" } })} onFocus=${() => setPlace(order)}>
                <${sandbox.Text} inline value=${table.question[row]} limit=${160} />
              </a>
              ${others.length > 0 && html`<${sandbox.ChangeMark} word=${word} difference=${change.difference} />`}
              ${refusal && html`<span class="tag">${refusal}</span>`}
              <span class="small quiet">${sandbox.sourceName(table.names.source[table.source[row]])}${table.names.kind[table.kind[row]] && html` · <${sandbox.Text} inline value=${table.names.kind[table.kind[row]]} limit=${300} />`}${table.sample[row] > 0 && ` · sample ${table.sample[row] + 1}`}</span>
            </div>
            <div class="answer-pair">
              ${(others.length ? [base, model] : [base]).map((name) => html`<${Extract} table=${table} row=${row} model=${name} score=${change.score} />`)}
            </div>
          </li>`,
        )}
      </ol>
      ${pages > 1 &&
      html`<nav class="pages" aria-label="Pages">
        <button type="button" disabled=${page === 1} onClick=${() => show({ page: page - 1 })}>Previous</button>
        <span>page ${page} of ${pages}</span>
        <button type="button" disabled=${page === pages} onClick=${() => show({ page: page + 1 })}>Next</button>
      </nav>`}
      <${sandbox.Figures} run=${run} place="answers" />
    </div>`;
  }

  /** The view. */
  function AnswersView({ run, route }) {
    if (!run.counts.answers) {
      return html`<h1>Answers</h1>
        <p class="notice">No model has answered held-out questions or benchmarks yet. <a href=${link({ run: run.key })}>What the run has done</a></p>
        <${sandbox.Figures} run=${run} place="answers" />`;
    }
    const { value: table, error } = sandbox.useLoaded(`${run.key}/answer_table`);
    if (!table) return html`<${sandbox.Waiting} error=${error} />`;
    return html`<${AnswerList} run=${run} table=${table} route=${route} />`;
  }

  sandbox.views.answers = { title: "Answers", component: AnswersView };
})();
