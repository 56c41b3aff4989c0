"use strict";
// Figures of several runs, laid over one another.
(() => {
  /** Give a series the name of its run. */
  const renamed = (series, name) => ({ name, points: series.points });

  /**
   * The headline results of several runs as figures: one for each unit, a series for each run.
   *
   * @param runs `Run` records.
   */
  function headlineFigures(runs) {
    const kinds = d3.group(runs.flatMap((run) => run.headlines), sandbox.family);
    return [...kinds].map(([family, [{ unit, against }]], order) => {
      const series = runs.map((run) => ({
        name: run.name,
        points: run.headlines
          .filter((one) => sandbox.family(one) === family && one.value !== null)
          .map((one) => ({ x: one.label, y: one.value, low: one.low, high: one.high })),
      }));
      return {
        id: `headlines-${order}`,
        place: "run",
        title: [against === 0 ? "Changes" : "Results", unit && `in ${unit}`].filter(Boolean).join(" "),
        kind: "dots",
        x_label: "result",
        y_label: unit || "value",
        series: series.filter((one) => one.points.length),
        note: "Whiskers are 95 % intervals.",
        y_low: null,
        y_high: null,
      };
    });
  }

  /** Figures that several runs have: id, title and kind of each. */
  function sharedFigures(runs) {
    const counts = d3.rollup(
      runs.flatMap((run) => run.figures.filter((figure) => !sandbox.isEmpty(figure))),
      (group) => ({ id: group[0].id, title: group[0].title, count: group.length }),
      (figure) => figure.id,
    );
    return [...counts.values()].filter((one) => one.count > 1);
  }

  /** One figure of several runs: a figure for each of its series, with a line for each run. */
  function overlaid(runs, id) {
    const figures = runs
      .map((run) => ({ name: run.name, figure: run.figures.find((figure) => figure.id === id) }))
      .filter((one) => one.figure);
    const names = [...new Set(figures.flatMap(({ figure }) => figure.series.map((series) => series.name)))];
    return names.map((name, order) => ({
      ...figures[0].figure,
      id: `${id}-${order}`,
      title: names.length > 1 ? `${figures[0].figure.title}: ${name}` : figures[0].figure.title,
      series: figures.flatMap((one) =>
        one.figure.series.filter((series) => series.name === name).map((series) => renamed(series, one.name)),
      ),
    }));
  }

  Object.assign(sandbox, { headlineFigures, overlaid, sharedFigures });
})();
