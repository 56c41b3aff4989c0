"use strict";

/** The fields above the list of interactions; each is a part of the address. */
(() => {
  const { html, useEffect, useLayoutEffect, useMemo, useRef, useState, visible } = sandbox;
  const { COLUMNS, RATINGS, activeFilters } = sandbox.interactions;

  const TYPING_MS = 150;
  const SWITCHES = [
    ["missing", "Missing ratings"],
    ["errors", "Errors"],
    ["same", "Revision same as draft"],
  ];

  const CUT_OFF = [
    ["1", "draft or revision"],
    ["draft", "draft"],
    ["revision", "revision"],
    ["feedback", "feedback"],
  ];
  /** Orders of the list, for windows that are too narrow for the heads of all columns. */
  const ORDERS = COLUMNS.flatMap(({ name, label, number }) => [
    [name, `${label}, ${number ? "lowest first" : "A to Z"}`],
    [`-${name}`, `${label}, ${number ? "highest first" : "Z to A"}`],
  ]);

  /** A choice of one value or none. */
  function Choice({ label, name, values, query, change, none = "any" }) {
    if (values.length < 2 && !query[name]) return null;
    const known = query[name] && values.every((value) => String([value].flat()[0]) !== query[name]) ? [query[name], ...values] : values;
    return html`<label class="choice"><span>${label}</span>
      <select aria-label=${label} value=${query[name] ?? ""} onChange=${(event) => change({ [name]: event.target.value })}>
        <option value="">${none}</option>
        ${known.map((value) => {
          const [key, text] = Array.isArray(value) ? value : [value, value];
          return html`<option key=${key} value=${key} selected=${String(key) === query[name]}>${visible(String(text)).slice(0, 80)}</option>`;
        })}
      </select></label>`;
  }

  /** The field for words; the address changes when somebody pauses. */
  function SearchField({ query, change }) {
    const [text, setText] = useState(query.search ?? "");
    const field = useRef(null);
    const timer = useRef(0);
    useLayoutEffect(() => {
      if (document.activeElement !== field.current) setText(query.search ?? "");
    }, [query.search]);
    useEffect(() => () => clearTimeout(timer.current), []);
    const write = (event) => {
      const { value } = event.target;
      setText(value);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => change({ search: value }), TYPING_MS);
    };
    const key = (event) => {
      if (event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        clearTimeout(timer.current);
        change({ search: text });
        document.querySelector("[role=grid]")?.focus();
      }
    };
    return html`<input ref=${field} data-search type="search" class="search" aria-label="Search all texts"
      placeholder="Search all texts   /" value=${text} onInput=${write} onKeyDown=${key}
      spellcheck=${false} autocomplete="off" />`;
  }

  function Range({ query, change, scale }) {
    const field = (name, label) => html`<input type="number" class="bound" min="1" max=${scale} step="0.1"
      aria-label=${label} placeholder=${name === "low" ? 1 : scale} value=${query[name] ?? ""}
      onChange=${(event) => change({ [name]: event.target.value })} />`;
    return html`<div class="choice" role="group" aria-label="Range of ratings">
      <select aria-label="Rating" value=${query.rating ?? "after"} onChange=${(event) => change({ rating: event.target.value === "after" ? "" : event.target.value })}>
        ${Object.entries(RATINGS).map(([name, [label]]) => html`<option key=${name} value=${name}>${label}</option>`)}
      </select>
      ${field("low", "Lowest rating")}<span class="quiet">to</span>${field("high", "Highest rating")}
    </div>`;
  }

  /** Names in the order in which people count: `social_2` before `social_10`. */
  function inOrder(names) {
    return [...names].sort(new Intl.Collator("en", { numeric: true }).compare);
  }

  /**
   * All filters.
   * @param {Object} run The run.
   * @param {Object} table Its table.
   * @param {Object<string, string>} query Query of the address.
   * @param {(values: Object<string, string>) => void} change Takes the values that change.
   */
  function Filters({ run, table, query, change }) {
    const lists = useMemo(
      () => ({
        rounds: [...new Set(table.round)].sort((a, b) => a - b),
        agents: inOrder(table.names.agent.filter((_, number) => table.agent.includes(number))),
        policies: inOrder(new Set(Object.values(run.policies))),
      }),
      [table, run],
    );
    const active = activeFilters(query);
    const question = table.names.question[Number(query.question)];
    const clear = () => change(Object.fromEntries([...active, "rating"].map((name) => [name, ""])));
    const choice = { query, change };
    return html`<search class="filters">
      <${SearchField} query=${query} change=${change} />
      <details open=${window.innerWidth > 640}>
        <summary>Filters${active.length > 0 && ` (${active.length})`}</summary>
        <div class="row">
          <${Choice} label="Round" name="round" values=${lists.rounds} ...${choice} />
          <${Choice} label="World" name="world" values=${table.names.world} ...${choice} />
          <${Choice} label="Agent" name="agent" values=${lists.agents} ...${choice} />
          ${query.peer && html`<${Choice} label="Peer" name="peer" values=${lists.agents} ...${choice} />`}
          <${Choice} label="Policy" name="policy" values=${lists.policies} ...${choice} />
          <${Choice} label="Kind" name="kind" values=${inOrder(table.names.kind)} ...${choice} />
          <${Choice} label="View" name="view" values=${table.names.view} ...${choice} />
          <${Choice} label="Rise" name="rise" values=${["better", "worse", "equal"]} ...${choice} />
          <${Choice} label="Cut off" name="cut_off" values=${CUT_OFF} ...${choice} />
          <${Range} query=${query} change=${change} scale=${run.rating_scale} />
          ${SWITCHES.map(
            ([name, label]) => html`<button key=${name} aria-pressed=${query[name] ? "true" : "false"}
              onClick=${() => change({ [name]: query[name] ? "" : "1" })}>${label}</button>`,
          )}
          <span class="sort-choice"><${Choice} label="Sort" name="sort" none="as recorded" values=${ORDERS} ...${choice} /></span>
          ${active.length > 0 && html`<button class="plain" onClick=${clear}>Clear filters</button>`}
        </div>
      </details>
      ${question !== undefined &&
      html`<p class="row small"><span class="quiet">Only the question</span>
        <${sandbox.Text} inline value=${question} limit=${200} />
        <button class="plain" onClick=${() => change({ question: "" })}>Show all questions</button></p>`}
    </search>`;
  }

  Object.assign(sandbox, { Filters });
})();
