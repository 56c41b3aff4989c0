"""The figure of an experiment: curves, or a row for each setting, with intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ..runtime.colours import MARKERS, PALETTE, of_number
from .experiment import Experiment, Measure

Rows = Sequence[Mapping[str, Any]]


def plot(path: Path, experiment: Experiment, table: Mapping[str, Any]) -> Path:
    """Draw the first measure of a table, a panel for each choice of norms, and return the path."""
    rows: Rows = table["rows"]
    norms = list(dict.fromkeys(row["norm"] for row in rows))
    measure = Measure(**table["measures"][0])
    # Curves of one point each would lie on top of one another.
    is_curve = len({row["x"] for row in rows if row["x"] is not None}) > 1
    height = 4.2 if is_curve else 1.4 + 0.3 * max(1, len(rows) // max(1, len(norms)))
    figure = Figure(figsize=(max(7, 5 * len(norms)), height), layout="constrained")
    if experiment.draw is not None:
        experiment.draw(figure, rows)
    else:
        panels = figure.subplots(1, len(norms), sharey=True, sharex=not is_curve, squeeze=False)[0]
        for axes, norm in zip(panels, norms, strict=True):
            of_norm = [row for row in rows if row["norm"] == norm]
            (_curves if is_curve else draw_rows)(axes, of_norm, measure)
            axes.set_title(norm, fontsize="medium")
            axes.grid(alpha=0.3)
            if is_curve:
                axes.set_xlabel(experiment.x_label)
        if is_curve:
            panels[0].set_ylabel(measure.label)
            panels[-1].legend(fontsize="small")
        seeds = len(table["seeds"])
        what = f"{experiment.name}, {table['scale']}: {seeds} seed{'s' * (seeds != 1)}"
        figure.suptitle(f"{what}, 95 % intervals", fontsize="medium")
    figure.savefig(path, dpi=120)
    return path


def draw_rows(axes: Any, rows: Rows, measure: Measure) -> None:
    """Draw a row for each setting: the mean with its interval."""
    for place, row in enumerate(rows):
        _point(axes, row, measure, place, is_row=True, color=of_number(row["setting"] == "base"))
    axes.set_yticks(range(len(rows)), [row["setting"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(measure.label)


def _curves(axes: Any, rows: Rows, measure: Measure) -> None:
    """Draw a curve for each series; rows that are no points of one are levels.

    Points are shifted, so that intervals do not hide one another.
    """
    places = [row["x"] for row in rows if row["x"] is not None]
    step = 0.01 * (max(places) - min(places))
    series = list(dict.fromkeys(row["series"] for row in rows if row["x"] is not None))
    for number, name in enumerate(series):
        points = [row for row in rows if row["series"] == name and row["x"] is not None]
        points = [row for row in points if _estimate(row, measure)]
        points.sort(key=lambda row: row["x"])
        colour = PALETTE[number % len(PALETTE)]
        shift = step * (number - (len(series) - 1) / 2)
        axes.plot(
            [row["x"] + shift for row in points],
            [measure.scale * row["measures"][measure.name]["estimate"]["mean"] for row in points],
            color=colour,
            marker=MARKERS[number % len(MARKERS)],
            label=name,
        )
        for row in points:
            _point(axes, row, measure, row["x"] + shift, is_row=False, color=colour)
    levels = [row for row in rows if row["x"] is None and _estimate(row, measure)]
    for number, row in enumerate(levels, start=len(series)):
        level = measure.scale * row["measures"][measure.name]["estimate"]["mean"]
        colour = "grey" if row["setting"] == "base" else of_number(number)
        axes.axhline(level, color=colour, linestyle="--", linewidth=1, label=row["setting"])


def _point(
    axes: Any, row: Mapping[str, Any], measure: Measure, place: float, *, is_row: bool, color: str
) -> None:
    estimate = _estimate(row, measure)
    if estimate is None:
        return
    mean = measure.scale * estimate["mean"]
    ends = [None if estimate[e] is None else measure.scale * estimate[e] for e in ("low", "high")]
    reach = None
    if None not in ends:
        reach = [[max(0.0, mean - ends[0])], [max(0.0, ends[1] - mean)]]  # type: ignore[operator]
    where = (mean, place) if is_row else (place, mean)
    options = {"xerr": reach} if is_row else {"yerr": reach}
    axes.errorbar(*where, fmt="o" if is_row else "none", color=color, capsize=3, **options)


def _estimate(row: Mapping[str, Any], measure: Measure) -> Mapping[str, Any] | None:
    found = row["measures"].get(measure.name)
    return found["estimate"] if found else None
