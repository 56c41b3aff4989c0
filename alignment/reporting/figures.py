"""Figures of a run, as PNG files."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from social_sandbox.envs.interactions import Interaction, mean
from social_sandbox.envs.turns import ASPECTS, JUDGED, MIN_RATING

from ..evaluation.society import rating_scale, ratings_by_round
from ..runtime.stage import write_json
from .histograms import Histogram

_LOSSES = {
    "loss": "loss",
    "loss/sft": "imitation of the best-rated",
    "loss/contrast": "contrast",
}
_IN_NATS = ("stable_alignment", "sft", "chain_of_hindsight", "rrhf")
"""Methods whose loss is in nats per token."""
COLOURS = {"draft": "#c0603a", "revision": "#2a7f78"}


def plot_run(
    folder: Path,
    interactions: Sequence[Interaction],
    losses: Sequence[Mapping[str, Any]],
    evaluation: Mapping[str, Any],
    method: str = "",
) -> list[Path]:
    """Draw all figures for which there is data, and return their paths.

    Args:
        folder: Folder of the figures.
        interactions: Interactions of the simulation; may be empty.
        losses: Rows of the trainer's log with `step`, `loss` and its parts; may be empty.
        evaluation: Held-out results with `table` and `rating_scale`; may be empty.
        method: Name of the training method.
    """
    folder.mkdir(parents=True, exist_ok=True)
    panels: dict[str, Callable[[Any], None]] = {
        "ratings": lambda axes: _ratings(axes, interactions),
        "grid": lambda axes: _grid(axes, interactions),
        "loss": lambda axes: _loss(axes, losses, method),
        "evaluation": lambda axes: _evaluation(axes, evaluation),
    }
    if not interactions:
        del panels["ratings"], panels["grid"]
    if not losses:
        del panels["loss"]
    if not evaluation:
        del panels["evaluation"]
    written = []
    for name, draw in panels.items():
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        draw(figure.subplots())
        written.append(_save(figure, folder / f"{name}.png"))
    if len(panels) > 1:
        rows = (len(panels) + 1) // 2
        figure = Figure(figsize=(11, 4.2 * rows), layout="constrained")
        grid = figure.subplots(rows, 2)
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        for axes, draw in zip(grid.flat, panels.values(), strict=False):
            draw(axes)
        written.append(_save(figure, folder / "overview.png"))
    return written


def plot_cycles(path: Path, cycles: Sequence[Mapping[str, Any]]) -> Path:
    """Draw the ratings of an online run in the society and on held-out questions, by cycle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = [cycle["cycle"] + 1 for cycle in cycles]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for judged in JUDGED:
        for aspect, style in zip(ASPECTS, ("-", ":"), strict=True):
            values = [cycle["society"][judged][aspect] for cycle in cycles]
            left.plot(
                numbers,
                [np.nan if value is None else value for value in values],
                style,
                marker="o",
                color=COLOURS[judged],
                label=f"{aspect} of the {judged}",
            )
    for shift, measure in enumerate(("alignment", "engagement")):
        shown = [
            (number, cycle["held_out"][measure]["difference"])
            for number, cycle in zip(numbers, cycles, strict=True)
            if cycle["held_out"][measure]["difference"]
        ]
        middle = [estimate["mean"] for _, estimate in shown]
        reach = [[abs(e[end] - e["mean"]) for _, e in shown] for end in ("low", "high")]
        # Shifted, so that the intervals do not hide one another.
        places = [number + 0.06 * shift for number, _ in shown]
        right.errorbar(places, middle, yerr=reach, marker="o", capsize=4, label=measure)
    right.axhline(0, color="grey", linewidth=1)
    left.set(title="The society, last round", ylabel="mean rating", ylim=(MIN_RATING, None))
    right.set(title="Held-out questions: minus the base model (95 %)", ylabel="rating points")
    for axes in (left, right):
        axes.set(xlabel="cycle", xticks=numbers)
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    return _save(figure, path)


def plot_histograms(folder: Path, histograms: Mapping[str, Histogram]) -> list[Path]:
    """Write histograms of ratings as a figure and as JSON, and return both paths."""
    if not histograms:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    rows = (len(histograms) + 1) // 2
    figure = Figure(figsize=(9, 2.4 * rows), layout="constrained")
    grid = figure.subplots(rows, 2, squeeze=False)
    for axes in grid.flat[len(histograms) :]:
        axes.set_axis_off()
    for axes, (name, histogram) in zip(grid.flat, histograms.items(), strict=False):
        axes.stairs(histogram.counts, histogram.edges, fill=True, color=COLOURS["revision"])
        axes.set(title=name, xlabel="rating", ylabel="how often")
    path = folder / "histograms.json"
    write_json(path, {name: asdict(histogram) for name, histogram in histograms.items()})
    return [_save(figure, folder / "histograms.png"), path]


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=120)
    return path


def _ratings(axes: Any, interactions: Sequence[Interaction]) -> None:
    table = ratings_by_round(interactions)
    rounds = np.array(list(table))
    for judged in JUDGED:
        for aspect, style in zip(ASPECTS, ("-", ":"), strict=True):
            values = [table[number][judged][aspect] for number in table]
            axes.plot(
                rounds + 1,
                [np.nan if value is None else value for value in values],
                style,
                marker="o",
                color=COLOURS[judged],
                label=f"{aspect} of the {judged}",
            )
    axes.set(xlabel="round", ylabel="mean rating by the observers", title="Ratings over rounds")
    axes.set_xticks(rounds + 1)
    axes.set_ylim(MIN_RATING, rating_scale(interactions))
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)


def _grid(axes: Any, interactions: Sequence[Interaction]) -> None:
    """Draw the mean alignment of each agent's revisions over all worlds of the last round."""
    last = max(interaction.round for interaction in interactions)
    cells = defaultdict(list)
    for interaction in interactions:
        if interaction.round == last:
            cells[interaction.position].append(interaction.rating("alignment", "revision"))
    size = 1 + max(max(position) for position in cells)
    values = np.full((size, size), np.nan)
    for position, ratings in cells.items():
        rating = mean(ratings)
        values[position] = np.nan if rating is None else rating
    image = axes.imshow(values, cmap="RdYlGn", vmin=MIN_RATING, vmax=rating_scale(interactions))
    if size <= 12:
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                axes.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize="small")
    axes.set(title=f"Alignment on the grid, round {last + 1}", xlabel="column", ylabel="row")
    axes.set_xticks(range(size))
    axes.set_yticks(range(size))
    axes.figure.colorbar(image, ax=axes, label="mean alignment of the revision")


def _loss(axes: Any, losses: Sequence[Mapping[str, Any]], method: str) -> None:
    # The loss of a method that learns from rewards does not show its progress.
    rewarded = any("reward" in row for row in losses)
    labels = {"reward": "mean reward"} if rewarded else _LOSSES
    for name, label in labels.items():
        points = [(row["step"], row[name]) for row in losses if name in row]
        if points:
            axes.plot(*zip(*points, strict=True), label=label)
    what = "reward" if rewarded else "loss"
    unit = "nats per token" if method in _IN_NATS else what
    axes.set(xlabel="step", ylabel=unit, title=f"{method.replace('_', ' ')}: {what}".strip(": "))
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)


def _evaluation(axes: Any, evaluation: Mapping[str, Any]) -> None:
    table, width = evaluation["table"], evaluation["rating_scale"] - MIN_RATING
    names = [name for name, row in table.items() if row["difference"]]
    differences = [table[name]["difference"] for name in names]
    # Shares of preferences are on 0..1 and ratings are not: one axis for both, in per cent.
    span = [1.0 if name.startswith("prefers") else width for name in names]
    middle = [100 * d["mean"] / s for d, s in zip(differences, span, strict=True)]
    reach = [
        [100 * abs(d[end] - d["mean"]) / s for d, s in zip(differences, span, strict=True)]
        for end in ("low", "high")
    ]
    places = range(len(names))
    axes.errorbar(middle, places, xerr=reach, fmt="o", color=COLOURS["revision"], capsize=4)
    axes.axvline(0, color="grey", linewidth=1)
    axes.set_yticks(places, [name.replace("_", " ") for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set(xlabel="change, % of the scale", title="Held-out questions: aligned minus base (95 %)")
    axes.grid(alpha=0.3)
