"use strict";
// The grid of a society in one round: a cell for each agent, and lines from those who rated to the rated.
(() => {
  const { colourOf, html, inkOn, link, useLayoutEffect, useMemo, useRef, valueOf } = sandbox;
  const SMALLEST = 21;
  /** The largest side of a cell, in pixels. */
  const LARGEST = 116;
  sandbox.LARGEST_CELL = LARGEST;

  /** What a screen reader says of a cell. */
  function spokenCell(table, row, measure) {
    const value = measure.of(table, row);
    const name = table.names.agent[table.agent[row]];
    const view = table.names.view[table.view[row]];
    const shown = value === null ? "missing" : valueOf(measure, value);
    return `${name}, row ${table.row[row]}, column ${table.column[row]}, ${measure.words} ${shown}, born with ${view} memories`;
  }

  /**
   * A line with an arrowhead from a rater to the rated, and the rating at the rater's end.
   *
   * Lines keep to their right, so that two agents who rated each other have two lines.
   */
  function Line({ from, to, rating, cell, isGiven }) {
    const distance = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
    const [x, y] = [(to[0] - from[0]) / distance, (to[1] - from[1]) / distance];
    const aside = cell * 0.08;
    const along = (length) => [from[0] + x * length - y * aside, from[1] + y * length + x * aside];
    const [start, end] = [along(cell * 0.36), along(distance - cell * 0.3)];
    // A long line bends around the number in the cell between its ends.
    const bend = distance > 1.6 * cell ? cell * 0.5 : 0;
    const control = [(start[0] + end[0]) / 2 - y * bend, (start[1] + end[1]) / 2 + x * bend];
    const arrival = Math.hypot(end[0] - control[0], end[1] - control[1]) || 1;
    const [u, v] = [(end[0] - control[0]) / arrival, (end[1] - control[1]) / arrival];
    const head = Math.max(4, Math.min(11, cell * 0.16));
    const neck = [end[0] - head * 0.8 * u, end[1] - head * 0.8 * v];
    const corner = (turn) => `${end[0] - head * (u + turn * v * 0.5)},${end[1] - head * (v - turn * u * 0.5)}`;
    const font = Math.max(7, Math.min(11, cell * 0.13));
    return html`<g class=${isGiven ? "rating-line given" : "rating-line received"}>
      <path class="halo" d=${`M${start}Q${control} ${neck}`} />
      <path class="shaft" d=${`M${start}Q${control} ${neck}`} />
      <path class="head" d=${`M${end}L${corner(1)}L${corner(-1)}Z`} />
      <g transform=${`translate(${start})`}>
        <rect x=${-font * 1.2} y=${-font * 0.8} width=${font * 2.4} height=${font * 1.6} rx=${font * 0.8} />
        <text text-anchor="middle" dy="0.35em" font-size=${font}>${rating === null ? "–" : rating.toFixed(1)}</text>
      </g>
    </g>`;
  }

  /** All lines of the chosen agent: solid from its raters, dashed to those whom it rated. */
  function Lines({ table, world, round, agent, cell, size }) {
    const row = world.agents.get(agent)?.get(round);
    if (row === undefined) return null;
    const centre = (one) => {
      const place = world.at.get(one);
      return place && [(place[1] + 0.5) * cell, (place[0] + 0.5) * cell];
    };
    const here = centre(agent);
    const given = sandbox.ratedBy(table, world, round, agent).map(({ rated, rating }) => ({ from: here, to: centre(rated), rating, isGiven: true }));
    const received = sandbox.raters(table, row).map(({ rater, rating }) => ({ from: centre(rater), to: here, rating, isGiven: false }));
    const thick = Math.max(1, Math.min(2.5, cell / 26));
    const edge = cell - 3;
    return html`<svg class="grid-lines" style=${{ "--thick": `${thick}px` }} width=${size * cell} height=${size * cell} aria-hidden="true">
      <rect class="chosen-cell" x=${here[0] - edge / 2} y=${here[1] - edge / 2} width=${edge} height=${edge} rx=${Math.min(8, cell / 8)} />
      ${[...given, ...received].filter(({ from, to }) => from && to).map((line) => html`<${Line} ...${line} cell=${cell} />`)}
    </svg>`;
  }

  /**
   * The grid. The focus moves by arrow keys, and a cell is a link to its interaction.
   *
   * @param props `run`, `table`, `world` (see `worldsOf`), `round`, `by` (a name in `MEASURES`),
   *   `agent` (the chosen one or null) and `choose(agent)`.
   */
  sandbox.SocietyGrid = function SocietyGrid({ run, table, world, round, by, agent, choose }) {
    const box = useRef();
    const width = sandbox.useWidth(box);
    const measure = sandbox.measuresOf(table)[by];
    const size = world.size;
    const cell = Math.max(SMALLEST, Math.min(LARGEST, Math.floor((width - 2) / size)));
    const cells = useMemo(() => {
      const places = Array.from({ length: size }, () => Array(size).fill(null));
      for (const row of world.rows.get(round) ?? []) places[table.row[row]][table.column[row]] = row;
      return places;
    }, [table, world, round]);
    const point = (event) => {
      const chosen = event.target.closest?.("[data-agent]")?.dataset.agent;
      if (chosen !== undefined && event.pointerType !== "touch") choose(Number(chosen));
    };

    const press = (event) => {
      const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
      const here = event.target.dataset.place?.split(",").map(Number);
      if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
      let place = null;
      if (event.key in steps) {
        const [down, right] = steps[event.key];
        place = here;
        do place = [place[0] + down, place[1] + right];
        while (cells[place[0]]?.[place[1]] === null);
      } else if (event.key === "Home") place = [here[0], cells[here[0]].findIndex((row) => row !== null)];
      else if (event.key === "End") place = [here[0], cells[here[0]].findLastIndex((row) => row !== null)];
      else return;
      event.preventDefault();
      event.stopPropagation();
      box.current.querySelector(`[data-place="${place.join(",")}"]`)?.focus();
    };

    const show = (row) => {
      const value = measure.of(table, row);
      const colour = colourOf(measure, value, run.rating_scale);
      const view = table.names.view[table.view[row]];
      return html`<div role="gridcell" class="cell-box">
        <a
          class=${`cell born-${view === "bad" ? "bad" : "good"}`}
          href=${link({ run: run.key, view: "interaction", path: table.id[row].split("/") })}
          tabindex="-1"
          data-place=${`${table.row[row]},${table.column[row]}`}
          aria-label=${spokenCell(table, row, measure)}
          style=${{ background: colour, color: inkOn(colour) }}
          data-agent=${table.agent[row]}
          >${measure.isWord && cell < 36 ? value?.[0] : valueOf(measure, value)}</a>
      </div>`;
    };
    // A thousand cells are made once for a round, and not again for each one that is pointed at.
    const lines = useMemo(
      () =>
        cells.map(
          (line) => html`<div role="row" class="grid-row">
            ${line.map((row) => (row === null ? html`<div role="gridcell" class="cell-box"><span class="cell empty" aria-label="nobody"></span></div>` : show(row)))}
          </div>`,
        ),
      [cells, by, cell, run],
    );
    useLayoutEffect(() => {
      const grid = box.current;
      grid.querySelector(".cell[tabindex='0']")?.setAttribute("tabindex", "-1");
      const stop = grid.querySelector(`[data-agent="${agent}"]`) ?? grid.querySelector("[data-agent]");
      stop?.setAttribute("tabindex", "0");
    }, [agent, lines]);
    const font = Math.max(8, Math.min(16, cell * (measure.isChange ? 0.34 : 0.38)));
    return html`<div class="grid-scroller" ref=${box}>
      <div class="grid-plane" style=${{ width: `${size * cell}px` }}>
        <div
          role="grid"
          aria-label=${`Grid in round ${round}: ${measure.words}. Arrow keys move, Enter opens the interaction.`}
          class=${`society-grid ${cell < 34 ? "dense" : ""}`}
          style=${{ gridTemplateColumns: `repeat(${size}, ${cell}px)`, gridAutoRows: `${cell}px`, fontSize: `${font}px` }}
          onKeyDown=${press}
          onPointerOver=${point}
          onfocusin=${point}
        >
          ${lines}
        </div>
        <${Lines} table=${table} world=${world} round=${round} agent=${agent} cell=${cell} size=${size} />
      </div>
    </div>`;
  };
})();
