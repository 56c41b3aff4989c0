"use strict";
// The files of a figure: SVG that stands on its own, and its numbers as CSV.
(() => {
  const WIDTH = 760;
  const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

  /** Write one cell of a CSV file; a text that a spreadsheet would run as a formula is defused. */
  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  /** The numbers of a figure as CSV: one line for each point. */
  function figureCsv(figure) {
    const lines = [["series", figure.x_label, figure.y_label, "low", "high"]];
    for (const series of figure.series)
      for (const point of series.points) lines.push([series.name, point.x, point.y, point.low, point.high]);
    return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  /** Break words into lines of at most so many letters. */
  function wrapped(words, letters) {
    const lines = [""];
    for (const word of words.split(/\s+/)) {
      if (lines.at(-1) && lines.at(-1).length + word.length >= letters) lines.push("");
      lines[lines.length - 1] += lines.at(-1) ? ` ${word}` : word;
    }
    return lines.filter(Boolean);
  }

  /** The figure as the text of an SVG file: title, legend and note inside, colours resolved, on white. */
  function figureSvg(figure) {
    const theme = sandbox.PAPER_THEME;
    const drawn = sandbox.drawFigure(figure, WIDTH - 32, theme);
    const outer = d3.create("svg").attr("xmlns", "http://www.w3.org/2000/svg").attr("font-family", FONT)
      .attr("font-size", 12).attr("fill", theme.ink);
    const paper = outer.append("rect").attr("width", "100%").attr("height", "100%").attr("fill", "#ffffff");
    outer.append("title").text(figure.title);
    let top = 14;
    for (const line of wrapped(figure.title, 92)) {
      top += 18;
      outer.append("text").attr("x", 16).attr("y", top).attr("font-size", 15).attr("font-weight", 600).text(line);
    }
    top += 12;
    if (figure.series.length > 1) {
      let left = 16;
      figure.series.forEach((series, order) => {
        const space = 50 + series.name.length * 7;
        if (left + space > WIDTH) [left, top] = [16, top + 20];
        const entry = outer.append("g").attr("transform", `translate(${left},${top})`);
        entry.append(() => sandbox.swatch(figure.kind, order, theme));
        entry.append("text").attr("x", 34).attr("y", 11).text(series.name);
        left += space;
      });
      top += 24;
    }
    const inner = d3.select(drawn.svg).attr("x", 16).attr("y", top);
    outer.append(() => inner.node());
    top += drawn.height + 6;
    for (const line of figure.note ? wrapped(figure.note, 112) : []) {
      top += 16;
      outer.append("text").attr("x", 16).attr("y", top).attr("fill", "#57606a").text(line);
    }
    const height = top + 16;
    outer.attr("width", WIDTH).attr("height", height).attr("viewBox", `0 0 ${WIDTH} ${height}`);
    paper.attr("width", WIDTH).attr("height", height);
    return new XMLSerializer().serializeToString(outer.node())
      .replaceAll("currentColor", theme.ink).replaceAll("currentcolor", theme.ink)
      .replaceAll("var(--plot-background)", "#ffffff");
  }

  /** Let the browser save a text as a file. */
  function saveText(name, type, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  Object.assign(sandbox, { figureCsv, figureSvg, saveText, csvCell: cell });
})();
