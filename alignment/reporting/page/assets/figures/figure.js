"use strict";
// A figure on the page: the drawing, its legend, the numbers under the pointer, table and downloads.
(() => {
  const { html, useLayoutEffect, useMemo, useRef, useState } = htmPreact;
  const FEWEST_PIXELS = 260;

  /** The width of an element, kept up to date. */
  function useWidth(reference) {
    const [width, setWidth] = useState(0);
    useLayoutEffect(() => {
      const measure = () => setWidth(Math.floor(reference.current?.clientWidth ?? 0));
      const observer = new ResizeObserver(measure);
      observer.observe(reference.current);
      measure();
      return () => observer.disconnect();
    }, []);
    return width;
  }

  /** One entry of a legend: the look of a series, and its name. */
  function Swatch({ kind, order }) {
    const reference = useRef();
    useLayoutEffect(() => {
      reference.current.replaceChildren(sandbox.swatch(kind, order, sandbox.PAGE_THEME));
    }, [kind, order]);
    return html`<svg class="swatch" width="28" height="14" aria-hidden="true" ref=${reference}></svg>`;
  }

  /** Say in one sentence what a figure shows. */
  function sentence(figure) {
    const values = figure.series.flatMap((series) => series.points.map((point) => point.y)).filter(Number.isFinite);
    const names = figure.series.map((series) => series.name).filter(Boolean);
    const of = names.length > 1 ? ` of ${names.join(", ")}` : "";
    const range = `from ${sandbox.number(d3.min(values))} to ${sandbox.number(d3.max(values))}`;
    return `${figure.title}: ${figure.y_label} by ${figure.x_label}${of}, ${range}.`;
  }

  /** The numbers at one stop, beside the pointer. */
  function Readout({ figure, stop, drawn }) {
    const left = drawn.across ? stop.at : d3.max(stop.rows, (row) => row.x ?? 0);
    const onLeft = left > drawn.width / 2;
    const place = { top: drawn.across ? "28px" : `${Math.round(stop.at + 16)}px` };
    place[onLeft ? "right" : "left"] = drawn.across
      ? `${Math.round(onLeft ? drawn.width - left + 12 : left + 12)}px`
      : "8px";
    return html`<div class="readout" style=${place}>
      <div class="readout-title"><bdi>${figure.x_label} ${stop.label}</bdi></div>
      ${stop.rows.map(
        (row) => html`<div class="readout-row">
          ${figure.series.length > 1 && html`<${Swatch} kind=${figure.kind} order=${row.order} /> <bdi>${row.name}</bdi>`}
          <b>${sandbox.estimate(row.point)}</b>
        </div>`,
      )}
    </div>`;
  }

  /** What a screen reader says of a stop. */
  const spoken = (figure, stop) =>
    `${figure.x_label} ${stop.label}: ` +
    stop.rows.map((row) => `${figure.series.length > 1 ? `${row.name} ` : ""}${sandbox.estimate(row.point)}`).join("; ");

  /** The lines and circles that show which numbers are read. */
  function Crosshair({ stop, drawn }) {
    const line = drawn.across
      ? { x1: stop.at, x2: stop.at, y1: 26, y2: drawn.height - 42 }
      : { x1: 4, x2: drawn.width - 4, y1: stop.at, y2: stop.at };
    return html`<svg class="crosshair" width=${drawn.width} height=${drawn.height} aria-hidden="true">
      <line ...${line} />
      ${stop.rows.filter((row) => row.y !== null && row.x !== null).map((row) => html`<circle cx=${row.x} cy=${row.y} r="6" />`)}
    </svg>`;
  }

  /** The drawing, with numbers by pointer, touch and arrow keys. */
  function Drawing({ figure }) {
    const box = useRef();
    const picture = useRef();
    const width = useWidth(box);
    const [place, setPlace] = useState(null);
    const drawn = useMemo(
      () => (width ? sandbox.drawFigure(figure, Math.max(FEWEST_PIXELS, width), sandbox.PAGE_THEME) : null),
      [figure, width],
    );
    useLayoutEffect(() => {
      if (!drawn) return;
      drawn.svg.setAttribute("aria-hidden", "true");
      picture.current.replaceChildren(drawn.svg);
    }, [drawn]);
    useLayoutEffect(() => setPlace(null), [figure]);
    const stop = drawn && place !== null ? drawn.stops[Math.min(place, drawn.stops.length - 1)] : null;

    const point = (event) => {
      const bounds = picture.current.getBoundingClientRect();
      const at = drawn.across ? event.clientX - bounds.left : event.clientY - bounds.top;
      setPlace(d3.leastIndex(drawn.stops, (one) => Math.abs(one.at - at)));
    };
    const press = (event) => {
      const last = drawn.stops.length - 1;
      const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
      if (event.key === "Escape") setPlace(null);
      else if (event.key === "Home") setPlace(0);
      else if (event.key === "End") setPlace(last);
      else if (event.key in steps)
        setPlace(place === null ? 0 : Math.max(0, Math.min(last, place + steps[event.key])));
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    return html`<div
      class="drawing"
      ref=${box}
      tabindex="0"
      role="group"
      aria-roledescription="figure"
      aria-label=${`${sentence(figure)} Arrow keys read the numbers.`}
      onPointerMove=${point}
      onPointerDown=${point}
      onPointerLeave=${() => setPlace(null)}
      onKeyDown=${press}
      onBlur=${() => setPlace(null)}
    >
      <div ref=${picture} style=${{ minHeight: drawn ? `${drawn.height}px` : "210px" }}></div>
      ${stop && html`<${Crosshair} stop=${stop} drawn=${drawn} /><${Readout} figure=${figure} stop=${stop} drawn=${drawn} />`}
      <div class="unseen" aria-live="polite">${stop ? spoken(figure, stop) : ""}</div>
    </div>`;
  }

  /** The numbers of a figure as a table. */
  function Numbers({ figure }) {
    const [open, setOpen] = useState(false);
    const withInterval = figure.series.some((series) => series.points.some((point) => point.low != null));
    return html`<details class="figure-numbers" open=${open} onToggle=${(event) => setOpen(event.target.open)}>
      <summary>Numbers</summary>
      ${open &&
      html`<div class="scroller" tabindex="0" role="region" aria-label=${`Numbers of: ${figure.title}`}>
        <table>
          <thead>
            <tr>
              ${figure.series.length > 1 && html`<th scope="col">series</th>`}
              <th scope="col">${figure.x_label}</th>
              <th scope="col">${figure.y_label}</th>
              ${withInterval && html`<th scope="col">95 % interval</th>`}
            </tr>
          </thead>
          <tbody>
            ${figure.series.flatMap((series) =>
              series.points.map(
                (point) => html`<tr>
                  ${figure.series.length > 1 && html`<td><bdi>${series.name}</bdi></td>`}
                  <td><bdi>${typeof point.x === "number" ? sandbox.number(point.x) : point.x}</bdi></td>
                  <td class="number">${sandbox.number(point.y)}</td>
                  ${withInterval &&
                  html`<td class="number">
                    ${point.low == null ? "none" : `${sandbox.number(point.low)} to ${sandbox.number(point.high)}`}
                  </td>`}
                </tr>`,
              ),
            )}
          </tbody>
        </table>
      </div>`}
    </details>`;
  }

  /**
   * Show a `Figure` record.
   *
   * @param props `figure`: the record; `name`: the beginning of the names of downloaded files.
   */
  sandbox.Figure = function Figure({ figure: given, name = "figure" }) {
    const figure = useMemo(() => sandbox.plainFigure(given), [given]);
    const empty = sandbox.isEmpty(figure);
    const save = (ending, type, text) => () => sandbox.saveText(`${name}-${figure.id}.${ending}`, type, text(figure));
    return html`<figure class="figure" id=${`figure-${figure.id}`}>
      <figcaption>${figure.title}</figcaption>
      ${figure.series.length > 1 &&
      !empty &&
      html`<ul class="legend">
        ${figure.series.map((series, order) => html`<li><${Swatch} kind=${figure.kind} order=${order} /> <bdi>${series.name}</bdi></li>`)}
      </ul>`}
      ${empty ? html`<p class="figure-empty">No numbers yet.</p>` : html`<${Drawing} figure=${figure} />`}
      ${figure.note && html`<p class="figure-note"><${sandbox.Text} inline value=${figure.note} limit=${600} /></p>`}
      ${!empty &&
      html`<div class="figure-tools">
        <${Numbers} figure=${figure} />
        <span class="figure-files">
          <button type="button" aria-label=${`Download as SVG: ${figure.title}`} onClick=${save("svg", "image/svg+xml", sandbox.figureSvg)}>SVG</button>
          <button type="button" aria-label=${`Download as CSV: ${figure.title}`} onClick=${save("csv", "text/csv", sandbox.figureCsv)}>CSV</button>
        </span>
      </div>`}
    </figure>`;
  };
  sandbox.useWidth = useWidth;
})();
