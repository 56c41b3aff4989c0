"""Figures of a run, as PNG files.

A drawing takes a figure or a part of one, and makes axes of its own in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import ASPECTS, JUDGED, MIN_RATING, Aspect, Judged

from ..evaluation.society import by_round, rating_scale
from ..evaluation.spread import Share
from ..runtime.colours import MARKERS, PALETTE, of_number
from ..runtime.stage import write_json
from .console import shown_measures
from .grid_figure import draw_grid
from .histograms import Histogram

_LOSSES = {
    "loss": "loss",
    "loss/sft": "imitation of the best-rated",
    "loss/contrast": "contrast",
}
_IN_NATS = ("stable_alignment", "sft", "chain_of_hindsight", "rrhf")
"""Methods whose loss is in nats per token."""

_STYLES: dict[Judged, dict[str, Any]] = {
    "draft": {"color": PALETTE[1], "marker": "s", "linestyle": "--"},
    "revision": {"color": PALETTE[0], "marker": "o", "linestyle": "-"},
}
_MOST_NORMS = 4
"""Most norms that the figure of norms shows; `figures/norms.json` has all."""

Draw = Callable[[Any], None]
"""Draws into a figure, or into a part of one."""


def plot_run(
    folder: Path,
    interactions: Sequence[Interaction],
    losses: Sequence[Mapping[str, Any]],
    evaluation: Mapping[str, Any],
    method: str = "",
    shares: Sequence[Share] = (),
) -> list[Path]:
    """Draw all figures for which there is data, and return their paths.

    Args:
        folder: Folder of the figures.
        interactions: Interactions of the simulation; may be empty.
        losses: Rows of the trainer's log with `step`, `loss` and its parts; may be empty.
        evaluation: Held-out results with `table` and `rating_scale`; may be empty.
        method: Name of the training method.
        shares: Shares of answers that follow norms; may be empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, Draw] = {}
    if interactions:
        drawings["ratings"] = lambda figure: _ratings(figure, interactions)
        drawings["grid"] = lambda figure: draw_grid(figure, interactions)
    if shares:
        drawings["norms"] = lambda figure: _norms(figure, shares)
    if losses:
        drawings["loss"] = lambda figure: _loss(figure.subplots(), losses, method)
    if evaluation:
        drawings["evaluation"] = lambda figure: _evaluation(figure, evaluation)
    # With norms, a figure has more rows.
    height = 5.2 if shares or evaluation.get("norms") else 4.2
    written = []
    for name, draw in drawings.items():
        figure = Figure(figsize=(7, height), layout="constrained")
        draw(figure)
        written.append(_save(figure, folder / f"{name}.png"))
    if len(drawings) > 1:
        rows = (len(drawings) + 1) // 2
        figure = Figure(figsize=(14, height * rows), layout="constrained")
        parts = figure.subfigures(rows, 2, squeeze=False, wspace=0.04, hspace=0.06)
        for part, draw in zip(parts.flat, drawings.values(), strict=False):
            draw(part)
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
                **_STYLES[judged] | {"linestyle": style},
                label=f"{aspect} of the {judged}",
            )
    for place, measure in enumerate(ASPECTS):
        shown = [
            (number, cycle["held_out"][measure]["difference"])
            for number, cycle in zip(numbers, cycles, strict=True)
            if cycle["held_out"][measure]["difference"]
        ]
        middle = [estimate["mean"] for _, estimate in shown]
        reach = [[abs(e[end] - e["mean"]) for _, e in shown] for end in ("low", "high")]
        right.errorbar(
            # Shifted, so that the intervals do not hide one another.
            [number + 0.06 * place for number, _ in shown],
            middle,
            yerr=reach,
            marker=MARKERS[place],
            color=PALETTE[place],
            capsize=4,
            label=measure,
        )
    right.axhline(0, color="grey", linewidth=1)
    left.set(title="The society, last round", ylabel="mean rating", ylim=(MIN_RATING, None))
    right.set(
        title="Held-out questions: aligned minus base (95 % intervals)",
        ylabel="difference (rating points)",
    )
    for axes in (left, right):
        axes.set(xlabel="cycle", xticks=numbers)
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    return _save(figure, path)


def plot_histograms(folder: Path, histograms: Mapping[str, Histogram]) -> list[Path]:
    """Write histograms of ratings as a figure and as JSON, and return both paths.

    All panels have the same axes, so that they can be compared: ratings, and shares in per cent.
    """
    if not histograms:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    rows = (len(histograms) + 1) // 2
    figure = Figure(figsize=(9, 0.6 + 2 * rows), layout="constrained")
    grid = figure.subplots(rows, 2, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(histograms) :]:
        axes.set_axis_off()
    for axes, (name, histogram) in zip(grid.flat, histograms.items(), strict=False):
        counts, edges = np.array(histogram.counts), np.array(histogram.edges)
        axes.stairs(100 * counts / counts.sum(), edges, fill=True, color=PALETTE[0])
        axes.set_title(f"{name} ({counts.sum()} ratings)", fontsize="medium")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(labelbottom=True)
        axes.grid(alpha=0.3)
    figure.supxlabel("rating by the observers", fontsize="medium")
    figure.supylabel("share of the ratings (%)", fontsize="medium")
    path = folder / "histograms.json"
    write_json(path, {name: asdict(histogram) for name, histogram in histograms.items()})
    return [_save(figure, folder / "histograms.png"), path]


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=120)
    return path


def _ratings(figure: Any, interactions: Sequence[Interaction]) -> None:
    """Draw the means of each round with 95 % intervals over interactions, an aspect a panel."""
    rounds = by_round(interactions)
    numbers = list(rounds)
    both = figure.subplots(1, len(ASPECTS), sharey=True)
    for axes, aspect in zip(both, ASPECTS, strict=True):
        for judged in JUDGED:
            means, reaches = _means(rounds.values(), aspect, judged)
            style = _STYLES[judged]
            axes.plot(numbers, means, label=judged, **style)
            axes.fill_between(
                numbers, means - reaches, means + reaches, color=style["color"], alpha=0.18
            )
        axes.set(title=aspect, xlabel="round (from 0)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small", loc="lower left")
    both[0].set_ylim(MIN_RATING, rating_scale(interactions))
    both[0].set_ylabel(f"mean rating (1 to {rating_scale(interactions)})")
    figure.suptitle("Ratings by the observers (bands: 95 % intervals)", fontsize="medium")


def _means(
    rounds: Iterable[Sequence[Interaction]], aspect: Aspect, judged: Judged
) -> tuple[Any, Any]:
    """Return the mean rating of each round, and half the width of its interval; NaN for none."""
    means, reaches = [], []
    for of_round in rounds:
        ratings = (one.rating(aspect, judged) for one in of_round)
        present = np.array([rating for rating in ratings if rating is not None])
        means.append(present.mean() if len(present) else np.nan)
        several = len(present) > 1
        reaches.append(1.96 * present.std(ddof=1) / len(present) ** 0.5 if several else np.nan)
    return np.array(means), np.array(reaches)


def _loss(axes: Any, losses: Sequence[Mapping[str, Any]], method: str) -> None:
    # The loss of a method that learns from rewards does not show its progress.
    rewarded = any("reward" in row for row in losses)
    labels = {"reward": "mean reward"} if rewarded else _LOSSES
    for place, (name, label) in enumerate(labels.items()):
        points = [(row["step"], row[name]) for row in losses if name in row]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                label=label,
                color=PALETTE[place],
                marker=MARKERS[place],
                markersize=4,
                linestyle=("-", "--", ":")[place],
            )
    what = "reward" if rewarded else "loss"
    unit = f"{what} (nats per token)" if method in _IN_NATS else what
    title = f"{method.replace('_', ' ')}: {what}".strip(": ")
    axes.set_title(title, fontsize="medium")
    axes.set(xlabel="training step", ylabel=unit)
    axes.legend(fontsize="small")
    axes.grid(alpha=0.3)


def _evaluation(figure: Any, evaluation: Mapping[str, Any]) -> None:
    """Draw shares that follow norms, differences of ratings and preferences, with intervals."""
    table = shown_measures(evaluation)
    followed = [
        (name.replace("_", " "), row["base"], row["aligned"])
        for name, row in list((evaluation.get("norms") or {}).items())
        if row["base"] and row["aligned"]
    ]
    if len(followed) > _MOST_NORMS:
        # The last one is the share that follows all.
        followed = [*followed[: _MOST_NORMS - 1], followed[-1]]
    ratings = [
        (name.replace(", by", ",\nby"), row["difference"])
        for name, row in table.items()
        if row["difference"] and not name.startswith("prefers")
    ]
    preferences = [
        (name, row["base"], row["aligned"])
        for name, row in table.items()
        if name.startswith(("prefers", "moved")) and row["aligned"]
    ]
    panels: dict[str, list[Any]] = {
        "answers that follow a norm (%; square: base, circle: aligned)": followed,
        "rating points, aligned minus base": ratings,
        "share of questions (%; dotted: one half; square: base, circle: aligned)": preferences,
    }
    panels = {label: rows for label, rows in panels.items() if rows}
    if not panels:
        return
    heights = [len(rows) + 1 for rows in panels.values()]
    all_axes = figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0]
    for axes, (label, rows) in zip(all_axes, panels.items(), strict=True):
        if rows is ratings:
            for place, (_, estimate) in enumerate(rows):
                _point(axes, estimate, place, 0)
            axes.axvline(0, color="grey", linewidth=1)
        else:
            for place, (_, base, aligned) in enumerate(rows):
                if base:
                    _point(axes, base, place - 0.15, 1, 100)
                _point(axes, aligned, place + 0.15 * bool(base), 0, 100)
            axes.set_xlim(0, 100)
        if rows is preferences:
            axes.axvline(50, color="grey", linewidth=1, linestyle=":")
        _name_rows(axes, [name for name, *_ in rows])
        axes.set_xlabel(label, fontsize="small")
        axes.tick_params(labelsize="small")
    figure.suptitle("Held-out questions (95 % intervals)", fontsize="medium")


def _point(
    axes: Any, estimate: Mapping[str, float], place: float, number: int, scale: float = 1
) -> None:
    """Draw an estimate with its interval in a row."""
    mean, low, high = (scale * estimate[name] for name in ("mean", "low", "high"))
    axes.errorbar(
        *(mean, place),
        xerr=[[max(0, mean - low)], [max(0, high - mean)]],
        fmt=of_number(number, MARKERS),
        color=of_number(number),
        capsize=4,
    )


def _name_rows(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(alpha=0.3)


def _norms(figure: Any, shares: Sequence[Share]) -> None:
    """Draw the shares of answers that follow each norm: by round, by initial view, by distance."""
    norms = list(dict.fromkeys(share.norm for share in shares))[:_MOST_NORMS]
    titles = {
        "round": "by round (from 0)",
        "view": "by the view agents are born with",
        "distance": "by steps to the nearest follower",
    }
    axes = figure.subplots(len(norms), len(titles), sharey=True, squeeze=False)
    figure.suptitle("Answers that follow the norms, with 95 % intervals over questions")
    for row, norm in zip(axes, norms, strict=True):
        for ax, (by, title) in zip(row, titles.items(), strict=True):
            for judged, style in _STYLES.items():
                chosen = [s for s in shares if (s.norm, s.by, s.judged) == (norm, by, judged)]
                places = [s.part for s in chosen]
                below = [s.mean - (s.mean if s.low is None else s.low) for s in chosen]
                above = [(s.mean if s.high is None else s.high) - s.mean for s in chosen]
                shown = [str(place) for place in places]
                means = [s.mean for s in chosen]
                ax.errorbar(shown, means, [below, above], label=judged, capsize=2, **style)
            ax.set(ylim=(-0.04, 1.04))
            if norm == norms[0]:
                ax.set_title(title, fontsize="small")
        row[0].set_ylabel(f"share following\n{norm}")
    axes[0, 0].legend()
