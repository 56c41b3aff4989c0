"use strict";

/** View: all interactions of a run, filtered, sorted and searched. */
(() => {
  const { Filters, Grid, Text, Waiting, go, html, link, useLayoutEffect, useLoaded, useSelection, useState } = sandbox;
  const { COLUMNS, flags, rise } = sandbox.interactions;

  const WORDS_OF_FLAGS = { error: "poor", missing: "fair", "cut off": "", same: "" };

  /** Row that was looked at last, by run: it is selected again on the way back. */
  const looked = new Map();

  /** Show a rating with two decimals, or that it is missing. */
  function rated(value) {
    if (value === null || value === undefined) return html`<span class="quiet" title="no rating">–<span class="unseen">no rating</span></span>`;
    return value.toFixed(2);
  }

  /** Show a difference of ratings with its sign and an arrow. */
  function difference(value) {
    if (value === null || value === undefined) return rated(null);
    const by = Math.round(100 * value) / 100;
    if (by === 0) return html`<span class="quiet">0.00</span>`;
    const [name, arrow, sign] = by > 0 ? ["good-text", "▲", "+"] : ["poor-text", "▼", "−"];
    return html`<span class=${name}><span class="arrow" aria-hidden="true">${arrow}</span>${sign}${Math.abs(by).toFixed(2)}</span>`;
  }

  /** Progress of a search, and a way to end it. */
  function Progress({ search }) {
    if (!search) return null;
    if (search.problem) return html`<span class="problem">${search.problem}</span>`;
    if (search.ended) return search.done < search.of ? html`<span>search cancelled</span>` : null;
    return html`<progress aria-label="Search" max=${search.of} value=${search.done}></progress>
      <button onClick=${search.cancel}>Cancel</button>`;
  }

  function Interactions({ run, route }) {
    const { value: table, error } = useLoaded(`${run.key}/table`);
    if (!table) return html`<${Waiting} error=${error} />`;
    if (!table.id.length) return html`<p class="notice">This run has no interactions yet.</p>`;
    return html`<${List} run=${run} route=${route} table=${table} />`;
  }

  function List({ run, route, table }) {
    const { query } = route;
    const { rows, terms, search } = useSelection(run, table, query);
    const [row, setRow] = useState(looked.get(run.key) ?? -1);
    const selected = row < 0 ? -1 : rows.indexOf(row);
    const select = (place) => {
      looked.set(run.key, rows[place]);
      setRow(rows[place]);
    };
    const address = (item) => link({ run: run.key, view: "interaction", path: table.id[item].split("/"), query });
    const open = (place) => {
      select(place);
      location.hash = address(rows[place]);
    };
    const change = (values) =>
      go({ run: run.key, view: "interactions", query: { ...query, find: "", ...values } }, { replace: true });
    const order = (name) => {
      change({ sort: query.sort === name ? `-${name}` : query.sort === `-${name}` ? "" : name });
    };
    sandbox.useGridKeys(rows.length, selected, select, open);
    useLayoutEffect(() => {
      if (query.find) document.querySelector("[data-search]").focus();
    }, [query.find]);

    const cells = (item) => {
      const extract = search?.found.get(item);
      return COLUMNS.map(({ name, value, number }) => {
        if (name === "question") {
          return html`<a href=${address(item)} tabindex="-1"><${Text} inline value=${value(table, item)} limit=${200} find=${terms} /></a>
            <span class="extract"><${Text} inline value=${extract ?? table.extract[item]} limit=${160} find=${terms} /></span>`;
        }
        if (name === "rise") return difference(rise(table, item));
        if (name === "flags") return flags(table, item).map((flag) => html`<span class=${`tag ${WORDS_OF_FLAGS[flag]}`}>${flag}</span> `);
        if (name === "round") return html`<span class="narrow-only">round </span>${value(table, item)}`;
        if (number) return rated(value(table, item));
        return html`<${Text} inline value=${value(table, item)} limit=${60} />`;
      });
    };
    const going = search && !search.ended;
    return html`<div class="stack">
      <div class="row title"><h1>Interactions</h1>
        <p class="quiet" role="status">${rows.length.toLocaleString("en")} of ${table.id.length.toLocaleString("en")}${going ? ", searching …" : ""}</p>
        <${Progress} search=${search} />
      </div>
      <${Filters} run=${run} table=${table} query=${query} change=${change} />
      ${rows.length > 0
        ? html`<${Grid} label="Interactions" name="interactions" columns=${COLUMNS} items=${rows} selected=${selected}
            select=${select} open=${open} sort=${query.sort ?? ""} onSort=${order} cells=${cells} />`
        : html`<p class="notice">${going ? "Nothing found yet." : "No interaction passes these filters."}</p>`}
    </div>`;
  }

  sandbox.interactions.look = (key, row) => looked.set(key, row);
  Object.assign(sandbox, { difference, rated });
  sandbox.views.interactions = { title: "Interactions", component: Interactions };
})();
