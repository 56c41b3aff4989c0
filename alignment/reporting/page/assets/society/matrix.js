"use strict";
// Who rated whom: raters down, rated across, the mean rating of each pair as a colour.
(() => {
  const { MEASURES, colourOf, html, useEffect, useLayoutEffect, useMemo, useRef, useState, valueOf } = sandbox;
  const MOST = 100;
  const NUMBERED = 26; // pixels of a cell from which on its number is written

  /** The name of a group of agents: one name, or the first and the last. */
  function groupName(table, group) {
    const names = group.map((agent) => table.names.agent[agent]);
    return names.length === 1 ? names[0] : `${names[0]} to ${names.at(-1)}`;
  }

  /** Pixels beside the matrix for the names, and above; none where cells are too small. */
  const margins = (cell, labels) => (cell < 14 ? [0, 0] : [8 + 7 * d3.max(labels, (label) => label.length), 20]);

  /** What differs between the names of agents: `14` of `social_14`. */
  function shortNames(table, groups) {
    const names = groups.map((group) => table.names.agent[group[0]]);
    const common = d3.least(names, (name) => name.length)?.replace(/[^_]*$/, "") ?? "";
    return names.map((name) => (common && names.every((one) => one.startsWith(common)) ? name.slice(common.length) : name).slice(0, 12));
  }

  /** Paint the matrix on a canvas. */
  function paint(canvas, matrix, { cell, left, top, scale, cursor, labels }) {
    const n = matrix.groups.length;
    const sharp = window.devicePixelRatio || 1;
    canvas.width = (n * cell + left) * sharp;
    canvas.height = (n * cell + top) * sharp;
    const context = canvas.getContext("2d");
    context.scale(sharp, sharp);
    const style = getComputedStyle(canvas);
    const font = Math.min(12, cell * 0.5);
    context.font = `${font}px ${style.fontFamily}`;
    context.textBaseline = "middle";
    context.fillStyle = style.color;
    if (left) {
      labels.forEach((label, order) => {
        context.textAlign = "right";
        context.fillText(label, left - 6, top + (order + 0.5) * cell);
        context.textAlign = "center";
        if (label.length * font * 0.62 < cell) context.fillText(label, left + (order + 0.5) * cell, top / 2);
      });
    }
    context.translate(left, top);
    context.textAlign = "center";
    for (let rater = 0; rater < n; rater += 1) {
      for (let rated = 0; rated < n; rated += 1) {
        const count = matrix.count[rater * n + rated];
        const mean = count ? matrix.sum[rater * n + rated] / count : null;
        const colour = count ? colourOf(MEASURES.rating, mean, scale) : style.borderTopColor;
        context.fillStyle = colour;
        const gap = cell > 6 ? 1 : 0;
        context.fillRect(rated * cell, rater * cell, cell - gap, cell - gap);
        if (count && cell >= NUMBERED) {
          context.fillStyle = sandbox.inkOn(colour);
          context.fillText(mean.toFixed(1), (rated + 0.5) * cell, (rater + 0.5) * cell);
        }
      }
    }
    if (!cursor) return;
    context.strokeStyle = style.outlineColor;
    context.lineWidth = 2;
    context.strokeRect(cursor[1] * cell, cursor[0] * cell, cell, cell);
  }

  /** What the matrix says at the cursor. */
  function words(table, matrix, cursor) {
    if (!cursor) return "Point at a cell, or use the arrow keys.";
    const n = matrix.groups.length;
    const [rater, rated] = cursor;
    const count = matrix.count[rater * n + rated];
    const [from, to] = [groupName(table, matrix.groups[rater]), groupName(table, matrix.groups[rated])];
    if (!count) return `${from} never rated ${to}.`;
    const mean = matrix.sum[rater * n + rated] / count;
    return `${from} rated ${to} ${mean.toFixed(2)} on average (${count} ${count === 1 ? "rating" : "ratings"}).`;
  }

  /** What each rater gave, in numbers: raters who give everybody the same are seen here. */
  function RaterNumbers({ table, world }) {
    const [open, setOpen] = useState(false);
    const given = useMemo(() => {
      if (!open) return [];
      const ratings = new Map([...world.agents.keys()].map((agent) => [agent, []]));
      for (const rows of world.rows.values())
        for (const row of rows)
          for (const [rater, rating] of table.peers[row]) if (rating !== null) ratings.get(rater)?.push(rating);
      return [...ratings];
    }, [open, table, world]);
    return html`<details onToggle=${(event) => setOpen(event.target.open)}>
      <summary>Ratings that each agent gave</summary>
      ${open &&
      html`<div class="scroller" tabindex="0" role="region" aria-label="Ratings that each agent gave">
        <table>
          <thead><tr><th scope="col">rater</th><th scope="col" class="number">ratings</th><th scope="col" class="number">mean</th>
            <th scope="col" class="number">lowest</th><th scope="col" class="number">highest</th></tr></thead>
          <tbody>
            ${given.map(
              ([agent, ratings]) => html`<tr><th scope="row"><${sandbox.Text} inline value=${table.names.agent[agent]} limit=${300} /></th>
                <td class="number">${ratings.length}</td>
                ${[d3.mean, d3.min, d3.max].map((of) => html`<td class="number">${valueOf(MEASURES.rating, of(ratings) ?? null, 2)}</td>`)}</tr>`,
            )}
          </tbody>
        </table>
      </div>`}
    </details>`;
  }

  /** The matrix of a world, over all rounds. */
  sandbox.Matrix = function Matrix({ run, table, world, agent }) {
    const [box, canvas] = [useRef(), useRef()];
    const width = sandbox.useWidth(box);
    const [cursor, setCursor] = useState(null);
    const matrix = useMemo(() => sandbox.ratingsMatrix(table, world, MOST), [table, world]);
    const n = matrix.groups.length;
    const labels = useMemo(() => shortNames(table, matrix.groups), [table, matrix]);
    const cell = Math.max(6, Math.min(38, Math.floor(Math.min(width - 40, 720) / n)));
    const [left, top] = margins(cell, labels);
    const [colours, setColours] = useState(0);
    useEffect(() => {
      const again = () => setColours((count) => count + 1);
      const dark = matchMedia("(prefers-color-scheme: dark)");
      window.addEventListener("themechange", again);
      dark.addEventListener("change", again);
      return () => {
        window.removeEventListener("themechange", again);
        dark.removeEventListener("change", again);
      };
    }, []);
    useEffect(() => {
      if (width) paint(canvas.current, matrix, { cell, left, top, scale: run.rating_scale, cursor, labels });
    }, [matrix, cell, cursor, colours, width]);
    useLayoutEffect(() => {
      const place = matrix.groups.findIndex((group) => group.includes(agent));
      if (cursor && place >= 0 && n > 1 && document.activeElement !== canvas.current) setCursor(null);
    }, [agent]);

    const within = (value) => Math.max(0, Math.min(n - 1, value));
    const point = (event) => {
      const bounds = canvas.current.getBoundingClientRect();
      const pixels = [event.clientY - bounds.top - top, event.clientX - bounds.left - left];
      const place = pixels.map((one) => within(Math.floor(one / cell)));
      if (place.join() !== cursor?.join()) setCursor(place);
    };
    const press = (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      setCursor(cursor ? [within(cursor[0] + step[0]), within(cursor[1] + step[1])] : [0, 0]);
    };
    return html`<section aria-labelledby="matrix" class="society-part">
      <h2 id="matrix">Who rated whom</h2>
      <p class="quiet small">
        Raters from top to bottom, rated agents from left to right, in the order of their names; mean over all rounds.
        ${n < world.agents.size && ` Neighbours in this order are taken together: ${matrix.groups[0].length} agents in a cell.`}
      </p>
      <p class="matrix-words" aria-live="polite"><${sandbox.Text} inline value=${words(table, matrix, cursor)} limit=${300} /></p>
      <div class="matrix-columns"><div class="matrix-box" ref=${box}>
        <canvas
          ref=${canvas}
          class="matrix"
          tabindex="0"
          role="img"
          aria-label=${`Mean rating by rater and rated agent, ${n} by ${n}. Arrow keys read the numbers.`}
          style=${{ width: `${n * cell + left}px`, height: `${n * cell + top}px` }}
          onPointerMove=${point}
          onPointerDown=${point}
          onKeyDown=${press}
        ></canvas>
      </div>
      <div>
        <${sandbox.ColourLegend} measure=${MEASURES.rating} scale=${run.rating_scale} />
        <${RaterNumbers} table=${table} world=${world} />
      </div></div>
    </section>`;
  };
})();
