"use strict";

/** A list of any length: only the rows in the window are in the document. */
(() => {
  const { html, useEffect, useLayoutEffect, useReducer, useRef } = sandbox;

  const AROUND = 12;

  /** Return the height of the header that stays at the top of the window. */
  function headerHeight() {
    const header = document.querySelector(".top");
    return getComputedStyle(header).position === "sticky" ? header.offsetHeight : 0;
  }

  /**
   * A grid whose rows all have the same height, `--row` in pixels.
   * @param {string} label Name of the grid.
   * @param {Array<{name: string, label: string, help?: string, number?: boolean}>} columns Columns.
   * @param {any[]} items What the rows show.
   * @param {number} selected Place of the selected row, -1: none.
   * @param {(place: number) => void} select Called when another row is selected.
   * @param {(place: number) => void} open Called when somebody opens a row.
   * @param {string} sort Name of the column, after `-` for the highest first.
   * @param {(name: string) => void} onSort Called with the name of a column.
   * @param {(item: any) => Array} cells Returns the cells of a row in the order of the columns.
   */
  function Grid({ label, name, columns, items, selected, select, open, sort, onSort, cells }) {
    const [, again] = useReducer((count) => count + 1, 0);
    const body = useRef(null);
    const height = useRef(34);
    useLayoutEffect(() => {
      const measure = () => {
        height.current = parseFloat(getComputedStyle(body.current).getPropertyValue("--row")) || 34;
        again();
      };
      measure();
      window.addEventListener("scroll", again, { passive: true });
      window.addEventListener("resize", measure);
      return () => {
        window.removeEventListener("scroll", again);
        window.removeEventListener("resize", measure);
      };
    }, []);
    useEffect(() => {
      if (selected >= 0) reveal(body.current, selected, height.current);
    }, [selected]);

    const top = body.current ? -body.current.getBoundingClientRect().top : 0;
    const first = Math.max(0, Math.floor(top / height.current) - AROUND);
    const end = Math.min(items.length, Math.ceil((top + window.innerHeight) / height.current) + AROUND);
    const places = [];
    for (let place = first; place < end; place += 1) places.push(place);
    // The selected row is always in the document: `aria-activedescendant` names it.
    if (selected >= 0 && selected < items.length && (selected < first || selected >= end)) places.push(selected);

    const click = (event, place) => {
      if (event.target.closest("a, button") || getSelection().toString()) return;
      select(place);
      open(place);
    };
    return html`<div class=${`listing ${name}`} role="grid" tabindex="0" aria-label=${label}
      aria-rowcount=${items.length + 1} aria-colcount=${columns.length}
      aria-activedescendant=${selected >= 0 && selected < items.length ? `${name}-${selected}` : undefined}
      onFocus=${(event) => event.target === event.currentTarget && selected < 0 && items.length && select(Math.max(0, Math.ceil(top / height.current)))}>
      <div role="rowgroup" class="listing-head"><div role="row" aria-rowindex="1" class="listing-row">
        ${columns.map((column) => html`<${Head} key=${column.name} column=${column} sort=${sort} onSort=${onSort} />`)}
      </div></div>
      <div role="rowgroup" ref=${body} class="listing-body" style=${{ height: `${items.length * height.current}px` }}>
        ${places.map(
          (place) => html`<div key=${place} id=${`${name}-${place}`} role="row" aria-rowindex=${place + 2}
            aria-selected=${place === selected ? "true" : "false"} class="listing-row"
            style=${{ top: `${place * height.current}px` }} onClick=${(event) => click(event, place)}>
            ${cells(items[place], place).map(
              (cell, number) => html`<div key=${number} role="gridcell" aria-colindex=${number + 1}
                class=${`field ${columns[number].name}${columns[number].number ? " number" : ""}`}>${cell}</div>`,
            )}
          </div>`,
        )}
      </div>
    </div>`;
  }

  /** Scroll as little as is needed to show a row. */
  function reveal(body, place, height) {
    const top = body.getBoundingClientRect().top + place * height;
    const high = headerHeight() + (body.previousElementSibling?.offsetHeight ?? 0);
    if (top < high) window.scrollBy(0, top - high - height);
    else if (top + height > window.innerHeight) window.scrollBy(0, top + 2 * height - window.innerHeight);
  }

  /** The head of a column; a button where the column can be sorted. */
  function Head({ column, sort, onSort }) {
    const down = sort === `-${column.name}`;
    const up = sort === column.name;
    const direction = up ? "ascending" : down ? "descending" : onSort ? "none" : undefined;
    return html`<div role="columnheader" aria-sort=${direction} class=${`field ${column.name}${column.number ? " number" : ""}`}>
      ${onSort
        ? html`<button class="plain" title=${column.help} onClick=${() => onSort(column.name)}>
            ${column.label}<span aria-hidden="true">${up ? " ↑" : down ? " ↓" : ""}</span></button>`
        : html`<span title=${column.help}>${column.label}</span>`}
    </div>`;
  }

  /**
   * Bind the keys that move through a grid.
   * @param {number} length Number of rows.
   * @param {number} selected Place of the selected row.
   * @param {(place: number) => void} select Selects a row.
   * @param {(place: number) => void} open Opens a row.
   */
  function useGridKeys(length, selected, select, open) {
    const move = (by) => () => length && select(Math.min(length - 1, Math.max(0, selected < 0 ? 0 : selected + by)));
    const page = () => Math.max(1, Math.floor(window.innerHeight / 50));
    sandbox.useKeys({
      j: { does: "Next row", act: move(1) },
      ArrowDown: { does: "Next row", act: move(1) },
      k: { does: "Previous row", act: move(-1) },
      ArrowUp: { does: "Previous row", act: move(-1) },
      PageDown: { does: "", act: () => move(page())() },
      PageUp: { does: "", act: () => move(-page())() },
      Home: { does: "First row", act: () => length && select(0) },
      End: { does: "Last row", act: () => length && select(length - 1) },
      Enter: { does: "Open the row", act: () => selected >= 0 && selected < length && open(selected) },
    });
  }

  Object.assign(sandbox, { Grid, useGridKeys });
})();
