"use strict";

/** Views: the groups of the training data, and one group with its candidates. */
(() => {
  const { Grid, Text, Waiting, go, html, link, rated, useLoaded, useMemo, useState } = sandbox;

  const COLUMNS = [
    { name: "group", label: "Group", number: true },
    { name: "kind", label: "Kind" },
    { name: "prompt", label: "Prompt" },
    { name: "candidates", label: "Candidates", number: true },
    { name: "low", label: "Lowest", number: true },
    { name: "high", label: "Highest", number: true },
    { name: "remarks", label: "Notes" },
  ];
  const SORTED_BY = {
    group: (table, row) => row,
    kind: (table, row) => table.names.kind[table.kind[row]],
    prompt: (table, row) => table.extract[row],
    candidates: (table, row) => table.candidates[row],
    low: (table, row) => table.low[row] ?? Infinity,
    high: (table, row) => table.high[row] ?? Infinity,
    remarks: (table, row) => table.invalid[row] + table.cut_off[row],
  };

  const looked = new Map();

  /** Name a kind of group for people: `self_critic` is `self-critic`. */
  const kindName = (kind) => sandbox.visible(kind).replaceAll("_", "-");

  /** Return the numbers of the groups that a query selects, in order. */
  function selected(table, query) {
    const kind = table.names.kind.indexOf(query.kind);
    const words = (query.search ?? "").toLowerCase();
    const rows = [...table.kind.keys()].filter(
      (row) => (!query.kind || table.kind[row] === kind) && (!words || table.extract[row].toLowerCase().includes(words)),
    );
    const name = query.sort?.replace("-", "");
    const value = SORTED_BY[name];
    if (!value) return rows;
    const sign = query.sort.startsWith("-") ? -1 : 1;
    return rows.sort((a, b) => {
      const [first, second] = [value(table, a), value(table, b)];
      return sign * (first < second ? -1 : first > second ? 1 : 0) || a - b;
    });
  }

  function Data({ run, route }) {
    const { Figure } = sandbox;
    const figures = run.figures.filter((figure) => figure.place === "data");
    return html`<div class="stack">
      <div class="row title"><h1>Data</h1><p class="quiet">${run.counts.groups?.toLocaleString("en") ?? 0} groups for training</p></div>
      <${Dropped} dropped=${run.dropped} />
      ${Figure && figures.length > 0 && html`<div class="figures">${figures.map((figure) => html`<${Figure} key=${figure.id} figure=${figure} name=${run.key} />`)}</div>`}
      ${run.counts.groups ? html`<${Groups} run=${run} route=${route} />` : html`<p class="notice">This run has made no training data.</p>`}
    </div>`;
  }

  /** What was left out, and why. */
  function Dropped({ dropped }) {
    if (!dropped.length) return null;
    return html`<details class="card dropped" open=${dropped.length < 8}>
      <summary><h2>Left out</h2></summary>
      <div class="scroll-x" tabindex="0" role="group" aria-label="Left out"><table>
        <thead><tr><th scope="col">Source</th><th scope="col">Reason</th><th scope="col" class="number">Count</th></tr></thead>
        <tbody>${dropped.map(
          ([source, reason, count]) => html`<tr><td><${Text} inline value=${source} limit=${80} /></td><td><${Text} inline value=${reason} limit=${200} /></td>
            <td class="number">${count.toLocaleString("en")}</td></tr>`,
        )}</tbody>
      </table></div>
    </details>`;
  }

  function Groups({ run, route }) {
    const { query } = route;
    const { value: table, error } = useLoaded(`${run.key}/group_table`);
    const rows = useMemo(() => (table ? selected(table, query) : []), [table, query.kind, query.search, query.sort]);
    const [row, setRow] = useState(looked.get(run.key) ?? -1);
    const place = row < 0 ? -1 : rows.indexOf(row);
    const select = (to) => {
      looked.set(run.key, rows[to]);
      setRow(rows[to]);
    };
    const address = (number) => link({ view: "group", path: [number], query });
    const open = (to) => {
      select(to);
      location.hash = address(rows[to]);
    };
    sandbox.useGridKeys(rows.length, place, select, open);
    if (!table) return html`<${Waiting} error=${error} />`;
    const change = (values) => go({ view: "data", query: { ...query, ...values } }, { replace: true });
    const order = (name) => change({ sort: query.sort === name ? `-${name}` : query.sort === `-${name}` ? "" : name });
    const cells = (number) => [
      number,
      kindName(table.names.kind[table.kind[number]]),
      html`<a href=${address(number)} tabindex="-1"><${Text} inline value=${table.extract[number]} limit=${160} /></a>`,
      table.candidates[number],
      rated(table.low[number]),
      rated(table.high[number]),
      html`${table.invalid[number] > 0 && html`<span class="tag poor">${table.invalid[number]} invalid</span> `}
        ${table.cut_off[number] > 0 && html`<span class="tag">${table.cut_off[number]} cut off</span>`}`,
    ];
    return html`<div class="stack">
      <search class="filters"><div class="row">
        <input data-search type="search" class="search" aria-label="Search the prompts" placeholder="Search the prompts   /" value=${query.search ?? ""}
          onInput=${(event) => change({ search: event.target.value })} spellcheck=${false} autocomplete="off" />
        <div class="switch" role="group" aria-label="Kind of group">
          ${["", ...table.names.kind].map(
            (kind) => html`<button key=${kind} aria-pressed=${(query.kind ?? "") === kind ? "true" : "false"} onClick=${() => change({ kind })}>${kind ? kindName(kind) : "all kinds"}</button>`,
          )}
        </div>
        <p class="quiet small" role="status">${rows.length.toLocaleString("en")} of ${table.kind.length.toLocaleString("en")}</p>
      </div></search>
      ${rows.length
        ? html`<${Grid} label="Groups" name="groups" columns=${COLUMNS} items=${rows} selected=${place} select=${select} open=${open}
            sort=${query.sort ?? ""} onSort=${order} cells=${cells} />`
        : html`<p class="notice">No group passes these filters.</p>`}
    </div>`;
  }

  sandbox.views.data = { title: "Data", component: Data };
  Object.assign(sandbox, { groups: { kindName, look: (key, row) => looked.set(key, row), selected } });
})();
