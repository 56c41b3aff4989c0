"use strict";
// How figures look: colours, dashes, symbols and patterns of series, and how numbers and names are written.
(() => {
  const DASHES = ["", "7 4", "2 3", "9 3 2 3", "14 4", "4 2 1 2", "1 5"];
  const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "cross", "wye"];
  const COLOURS = 7;

  /** Colours of the page: variables of the style sheet, which know light and dark. */
  const PAGE_THEME = {
    ink: "currentColor",
    faint: "var(--figure-faint)",
    paper: "var(--figure-paper)",
    series: Array.from({ length: COLOURS }, (_, number) => `var(--series-${number})`),
  };

  /** Colours of a downloaded picture, which stands on white wherever it is put. */
  const PAPER_THEME = {
    ink: "#1b1f24",
    faint: "#d9dde2",
    paper: "#ffffff",
    series: ["#0072b2", "#c24e00", "#00805d", "#a0457f", "#8f6000", "#3a78a8", "#5c5c5c"],
  };

  /** Colour of a series: a dash, a symbol or a pattern tells series apart too. */
  const seriesColour = (theme, order) => theme.series[order % COLOURS];

  /** Write a number the way people read it. */
  function number(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "none";
    const size = Math.abs(value);
    if (Number.isInteger(value)) return d3.format(",d")(value);
    const digits = size >= 1000 ? ",.0f" : size >= 100 ? ".1f" : size >= 0.1 ? ".2f" : size >= 0.001 ? ".2r" : ".1e";
    return d3.format(digits)(value);
  }

  /** Write a value with its interval. */
  function estimate(point) {
    if (point.y === null) return "no value";
    if (point.low === null || point.low === undefined) return number(point.y);
    return `${number(point.y)} (${number(point.low)} to ${number(point.high)})`;
  }

  const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

  /** Cut a label that does not fit. */
  const shortened = (words, letters) =>
    words.length > letters ? `${words.slice(0, Math.max(1, letters - 1))}…` : words;

  /** Characters that are not seen, that turn the direction of writing, or that no SVG file may have. */
  const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]|\p{Cs}/gu;
  const LONGEST = 200;

  /** Make a name fit for a legend or an axis: nothing unseen, and not without end. */
  const plain = (text) => (typeof text === "string" ? shortened(text.replace(UNSEEN, "\ufffd"), LONGEST) : text);

  /** Return a figure whose names are all fit to be drawn; names come from files of anybody. */
  function plainFigure(figure) {
    return {
      ...figure,
      title: plain(figure.title),
      x_label: plain(figure.x_label),
      y_label: plain(figure.y_label),
      note: figure.note.replace(UNSEEN, "\ufffd"),
      series: figure.series.map((series) => ({
        name: plain(series.name),
        points: series.points.map((point) => ({ ...point, x: plain(point.x) })),
      })),
    };
  }

  /** Say whether a figure has any number at all. */
  function isEmpty(figure) {
    return !figure.series.some((series) => series.points.some((point) => known(point.y)));
  }

  /** A small picture of a series' colour, symbol, dash or pattern, for the legend. */
  function swatch(kind, order, theme) {
    const colour = seriesColour(theme, order);
    const group = d3.create("svg:g");
    if (kind === "bars" || kind === "histogram") {
      const fill = pattern(group, order, theme);
      group.append("rect").attr("x", 5).attr("y", 1).attr("width", 18).attr("height", 12)
        .attr("fill", fill).attr("stroke", colour);
      return group.node();
    }
    if (kind === "line") {
      group.append("path").attr("d", "M0,7H28").attr("stroke", colour).attr("stroke-width", 2)
        .attr("stroke-dasharray", DASHES[order % DASHES.length] || null);
    }
    group.append("path").attr("transform", "translate(14,7)").attr("fill", colour)
      .attr("d", d3.symbol(symbolType(order), 48)());
    return group.node();
  }

  /** d3's symbol of a series. */
  function symbolType(order) {
    const name = SYMBOLS[order % SYMBOLS.length];
    return d3[`symbol${name[0].toUpperCase()}${name.slice(1)}`];
  }

  let patterns = 0;

  /** Add a pattern of a series to an SVG element, and return the fill that draws it. */
  function pattern(parent, order, theme) {
    const colour = seriesColour(theme, order);
    if (order === 0) return colour;
    const id = `pattern-${(patterns += 1)}`;
    const tile = parent.append("defs").append("pattern").attr("id", id)
      .attr("patternUnits", "userSpaceOnUse").attr("width", 6).attr("height", 6);
    tile.append("rect").attr("width", 6).attr("height", 6).attr("fill", theme.paper);
    tile.append("rect").attr("width", 6).attr("height", 6).attr("fill", colour)
      .attr("fill-opacity", 0.28);
    const lines = ["M-1,1l2,-2M0,6l6,-6M5,7l2,-2", "M3,0v6", "M-1,5l2,2M0,0l6,6M5,-1l2,2", "M0,3h6"];
    tile.append("path").attr("d", lines[(order - 1) % lines.length]).attr("stroke", colour)
      .attr("stroke-width", 1.6);
    return `url(#${id})`;
  }

  sandbox.looks = { DASHES, SYMBOLS, known, number, pattern, seriesColour, shortened };
  Object.assign(sandbox, { PAGE_THEME, PAPER_THEME, estimate, isEmpty, number, plainFigure, swatch });
})();
