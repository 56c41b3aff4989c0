"use strict";
// The drawing of a figure: Observable Plot's marks, and the places of their numbers in pixels.
(() => {
  const { DASHES, SYMBOLS, known, number, pattern, seriesColour, shortened } = sandbox.looks;
  const LETTER = 6.6; // width of a letter of 12 px, about
  const ROW = 26; // height of a category of horizontal figures with one series

  /** The categories of a figure, in order of their first appearance. */
  function categoriesOf(figure) {
    return [...new Set(figure.series.flatMap((series) => series.points.map((point) => point.x)))];
  }

  /** The numbers of an axis that must be seen. */
  function valueDomain(figure, withZero) {
    const values = figure.series
      .flatMap((series) => series.points.flatMap((point) => [point.y, point.low, point.high]))
      .filter(known);
    let [low, high] = d3.extent(withZero ? [0, ...values] : values);
    if (low === high) [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) / 2, low + Math.abs(low) / 2];
    const [nice0, nice1] = d3.scaleLinear([low, high], [0, 1]).nice(5).domain();
    return [figure.y_low ?? nice0, figure.y_high ?? nice1];
  }

  /** How the ticks of a domain are written: very small and very large numbers in short. */
  function tickFormat(domain) {
    const size = Math.max(...domain.map(Math.abs));
    if (size < 0.001) return d3.format(".0e");
    return size >= 100_000 ? d3.format("~s") : undefined;
  }

  /** Every n-th of the ticks, so that no two labels touch. */
  function thinned(ticks, labels, length) {
    const longest = d3.max(ticks, (tick) => labels(tick).length) ?? 1;
    const room = Math.max(1, Math.floor(length / ((longest + 2) * LETTER)));
    const step = Math.ceil(ticks.length / room);
    return ticks.filter((_, order) => order % step === 0);
  }

  /** Options that all figures share. */
  function frame(figure, width, height, theme) {
    return {
      width,
      height,
      marginTop: 30,
      marginRight: 16,
      marginBottom: 42,
      marginLeft: 48,
      style: { background: "transparent", color: theme.ink, fontSize: "12px", overflow: "visible" },
    };
  }

  /** Draw lines over a numeric axis, with bands for the intervals and gaps where a value is null. */
  function drawLine(figure, width, theme) {
    const height = Math.round(Math.max(210, Math.min(320, width * 0.52)));
    const series = figure.series.map((one) => ({
      name: one.name,
      points: d3.sort(one.points.map((point) => ({ ...point, x: Number(point.x) })), (point) => point.x),
    }));
    const xs = [...new Set(series.flatMap((one) => one.points.map((point) => point.x)))].sort(d3.ascending);
    let [first, last] = d3.extent(xs);
    if (first === last) [first, last] = [first - 1, last + 1];
    const ticks = d3.ticks(first, last, Math.max(2, Math.min(10, Math.floor(width / 70))))
      .filter((tick) => !xs.every(Number.isInteger) || Number.isInteger(tick));
    const levels = valueDomain(figure, false);
    const marks = [
      Plot.gridY({ stroke: theme.faint, strokeOpacity: 1, ticks: 5 }),
      Plot.axisX({ ticks, tickFormat: ticks.every(Number.isInteger) ? d3.format(",d") : undefined, label: null, tickSize: 4 }),
      Plot.axisY({ ticks: 5, tickFormat: tickFormat(levels), label: null, tickSize: 0 }),
    ];
    series.forEach((one, order) => {
      const stroke = seriesColour(theme, order);
      const banded = one.points.map((point) => ({
        x: point.x,
        low: known(point.y) && known(point.low) ? point.low : NaN,
        high: known(point.y) && known(point.high) ? point.high : NaN,
      }));
      if (banded.some((point) => known(point.low)))
        marks.push(Plot.areaY(banded, { x: "x", y1: "low", y2: "high", fill: stroke, fillOpacity: 0.14 }));
    });
    series.forEach((one, order) => {
      const stroke = seriesColour(theme, order);
      const step = Math.ceil(one.points.length / 24);
      marks.push(Plot.line(one.points, {
        x: "x", y: (point) => (known(point.y) ? point.y : NaN), stroke, strokeWidth: 2,
        strokeDasharray: DASHES[order % DASHES.length] || undefined, strokeLinecap: "round",
      }));
      marks.push(Plot.dot(one.points.filter((point, place) => known(point.y) && isMarked(one.points, place, step)), {
        x: "x", y: "y", r: 3.5, symbol: SYMBOLS[order % SYMBOLS.length], fill: stroke,
      }));
    });
    const plot = Plot.plot({
      ...frame(figure, width, height, theme),
      x: { domain: [first, last], inset: 8 },
      y: { domain: levels, clamp: true },
      marks,
    });
    const [place, level] = [plot.scale("x"), plot.scale("y")];
    const stops = xs.map((x) => ({
      label: number(x),
      at: place.apply(x),
      rows: series.flatMap((one, order) => one.points.filter((point) => point.x === x).map((point) => ({
        name: one.name, order, point, x: place.apply(x), y: known(point.y) ? level.apply(point.y) : null,
      }))),
    }));
    return { svg: labelled(plot, figure.x_label, figure.y_label), stops, width, height, across: true };
  }

  /** Whether a point gets a symbol: each n-th, and each that stands alone between gaps. */
  function isMarked(points, place, step) {
    const alone = !known(points[place - 1]?.y) && !known(points[place + 1]?.y);
    return alone || place % step === 0 || place === points.length - 1;
  }

  /** Add the labels of both axes: the vertical one above its axis, where it needs no turned head. */
  function labelled(plot, below, above) {
    const svg = d3.select(plot);
    const [, , width, height] = svg.attr("viewBox").split(" ").map(Number);
    const text = (words, x, y, anchor) =>
      svg.append("text").attr("x", x).attr("y", y).attr("text-anchor", anchor).attr("fill", "currentColor")
        .attr("font-size", 12).text(shortened(words, Math.floor((width - 8) / LETTER)));
    text(above, 4, 14, "start");
    text(below, width - 16, height - 6, "end");
    return plot;
  }

  /**
   * Draw values by category: bars, a histogram, or dots with whiskers around a line at 0.
   *
   * Categories stand side by side where their names fit, and below one another otherwise.
   */
  function drawCategories(figure, width, theme) {
    const categories = categoriesOf(figure);
    const shown = (category) => (typeof category === "number" ? number(category) : String(category));
    const longest = d3.max(categories, (category) => shown(category).length) * LETTER;
    const isHistogram = figure.kind === "histogram";
    const isDots = figure.kind === "dots";
    const across = isHistogram || (!isDots && (longest + 10) * categories.length <= width - 64);
    const count = figure.series.length;
    const rows = Math.max(ROW, count * 15 + 8);
    const side = across ? 48 : Math.min(longest + 16, width * 0.42);
    const height = across
      ? Math.round(Math.max(210, Math.min(300, width * 0.5)))
      : Math.round(categories.length * rows + 72);
    const letters = Math.floor((side - 12) / LETTER);
    const values = valueDomain(figure, true);
    const share = isHistogram ? 0.94 : 0.74;
    const from = (1 - share) / 2;
    const boxes = figure.series.flatMap((series, order) => series.points.map((point) => {
      const start = categories.indexOf(point.x) + from + (share * order) / count;
      return { point, order, name: series.name, start, end: start + share / count, middle: start + share / count / 2 };
    }));
    const filled = boxes.filter((box) => known(box.point.y));
    const ticks = categories.map((_, place) => place + 0.5);
    const words = (tick) => {
      const text = shown(categories[Math.floor(tick)]);
      return across ? text : shortened(text, letters);
    };
    const categoryTicks = across ? thinned(ticks, words, width - 64) : ticks;
    const valueTicks = across ? 5 : Math.max(2, Math.min(8, Math.floor((width - side) / 60)));
    const marks = across
      ? [
          Plot.gridY({ stroke: theme.faint, strokeOpacity: 1, ticks: valueTicks }),
          Plot.axisX({ ticks: categoryTicks, tickFormat: words, label: null, tickSize: 0 }),
          Plot.axisY({ ticks: valueTicks, tickFormat: tickFormat(values), label: null, tickSize: 0 }),
        ]
      : [
          Plot.gridX({ stroke: theme.faint, strokeOpacity: 1, ticks: valueTicks }),
          Plot.axisX({ ticks: valueTicks, tickFormat: tickFormat(values), label: null, tickSize: 0 }),
          Plot.axisY({ ticks: categoryTicks, tickFormat: words, label: null, tickSize: 0 }),
        ];
    const [category, value, rule] = across ? ["x", "y", Plot.ruleX] : ["y", "x", Plot.ruleY];
    const defs = d3.create("svg:g");
    figure.series.forEach((_, order) => {
      const mine = filled.filter((box) => box.order === order);
      const colour = seriesColour(theme, order);
      if (!isDots) {
        marks.push(Plot.rect(mine, {
          [`${category}1`]: "start", [`${category}2`]: "end",
          [`${value}1`]: (box) => Math.max(values[0], Math.min(values[1], 0)), [`${value}2`]: (box) => box.point.y,
          fill: pattern(defs, order, theme), stroke: colour, strokeWidth: 1,
          [across ? "insetLeft" : "insetTop"]: 0.5, [across ? "insetRight" : "insetBottom"]: 0.5,
        }));
      }
      const whiskers = mine.filter((box) => known(box.point.low) && known(box.point.high));
      const ends = { [`${value}1`]: (box) => box.point.low, [`${value}2`]: (box) => box.point.high };
      marks.push(rule(whiskers, {
        [category]: "middle", ...ends, stroke: isDots ? colour : "currentColor", strokeWidth: isDots ? 2.5 : 1.5,
        strokeLinecap: isDots ? "round" : "butt",
      }));
      if (isDots) {
        marks.push(Plot.dot(mine, {
          [category]: "middle", [value]: (box) => box.point.y, r: 5, symbol: SYMBOLS[order % SYMBOLS.length],
          fill: colour, stroke: theme.paper, strokeWidth: 1,
        }));
      }
    });
    const zero = across ? Plot.ruleY([0], { strokeOpacity: 0.7 }) : Plot.ruleX([0], { strokeOpacity: 0.7 });
    if (values[0] <= 0 && values[1] >= 0) marks.push(zero);
    const slots = { domain: across ? [0, categories.length] : [0, categories.length] };
    const plot = Plot.plot({
      ...frame(figure, width, height, theme),
      marginLeft: side,
      x: across ? slots : { domain: values },
      y: across ? { domain: values } : { ...slots, reverse: true },
      marks,
    });
    plot.append(...defs.node().childNodes);
    const [place, level] = [plot.scale(category), plot.scale(value)];
    const stops = categories.map((name, order) => ({
      label: shown(name),
      at: place.apply(order + 0.5),
      rows: boxes.filter((box) => box.point.x === name).map((box) => {
        const along = place.apply(box.middle);
        const off = known(box.point.y) ? level.apply(box.point.y) : null;
        return { ...box, x: across ? along : off, y: off === null ? null : across ? off : along };
      }),
    }));
    const [below, above] = across ? [figure.x_label, figure.y_label] : [figure.y_label, figure.x_label];
    return { svg: labelled(plot, below, above), stops, width, height, across };
  }

  /**
   * Draw a figure.
   *
   * @param figure A `Figure` with at least one value.
   * @param width Width in pixels.
   * @param theme `PAGE_THEME` or `PAPER_THEME`.
   * @returns The SVG element, its size, and the `stops`: the places where numbers can be read, each
   *   with a label, its place in pixels along the axis, and a row for each series.
   */
  function drawFigure(figure, width, theme) {
    return (figure.kind === "line" ? drawLine : drawCategories)(figure, width, theme);
  }

  sandbox.drawFigure = drawFigure;
})();
