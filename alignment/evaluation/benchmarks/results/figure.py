"""A figure of benchmark results: a point with its interval for each model, and chance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ....runtime.colours import MARKERS, of_number
from .estimates import Estimates, is_rating

Row = tuple[str, str]
"""Benchmark and metric."""


def plot(path: Path, models: Mapping[str, Estimates]) -> None:
    """Draw the estimates of models, by name, a row for each metric; shares above ratings."""
    # Dollar signs in the name of a model are no mathematics.
    with rc_context({"text.parse_math": False}):
        _plot(path, models)


def _plot(path: Path, models: Mapping[str, Estimates]) -> None:
    rows = dict.fromkeys(
        (benchmark, metric, is_rating(estimate))
        for estimates in models.values()
        for benchmark, metrics in estimates.items()
        for metric, estimate in metrics.items()
    )
    panels = {
        "share, 95 % interval; dotted: chance": [row[:2] for row in rows if not row[2]],
        "rating, 95 % interval": [row[:2] for row in rows if row[2]],
    }
    panels = {label: panel for label, panel in panels.items() if panel}
    if not panels:
        return
    heights = [len(panel) + 1.5 for panel in panels.values()]
    figure = Figure(figsize=(8, 0.8 + 0.32 * sum(heights)), layout="constrained")
    all_axes = figure.subplots(len(panels), squeeze=False, height_ratios=heights)
    for axes, (label, panel) in zip(all_axes[:, 0], panels.items(), strict=True):
        _draw(axes, panel, models)
        axes.set_xlabel(label)
        if label.startswith("share"):
            # Only a drop can be below zero.
            axes.set_xlim(min(-0.02, axes.get_xlim()[0]), 1.02)
    if len(models) > 1:
        points = [
            Line2D(
                *([], []),
                color=of_number(number),
                marker=of_number(number, MARKERS),
                markersize=4,
                linestyle="none",
                label=name,
            )
            for number, name in enumerate(models)
        ]
        figure.legend(handles=points, loc="outside lower center", ncols=3, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def _draw(axes: Any, rows: Sequence[Row], models: Mapping[str, Estimates]) -> None:
    for place, (benchmark, metric) in enumerate(rows):
        chances = set()
        for number, estimates in enumerate(models.values()):
            estimate = estimates.get(benchmark, {}).get(metric)
            if estimate is None:
                continue
            y = place + 0.6 * ((number + 0.5) / len(models) - 0.5)
            mean, low, high = estimate["mean"], estimate["low"], estimate["high"]
            ends = None if low is None else [[mean - low], [high - mean]]
            shape, colour = of_number(number, MARKERS), of_number(number)
            axes.errorbar(mean, y, xerr=ends, fmt=shape, markersize=4, color=colour)
            chances.add(estimate["chance"])
        for chance in chances - {None}:
            axes.plot([chance] * 2, [place - 0.4, place + 0.4], color="0.6", linestyle=":")
    axes.set_yticks(range(len(rows)), [" ".join(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
