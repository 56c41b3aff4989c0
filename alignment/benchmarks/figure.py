"""Benchmarks as a picture: a point with its interval for each model, and chance."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib

from .results import Figures

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def plot(path: Path, models: Mapping[str, Figures]) -> None:
    """Draw the shares of models, by name, a row a metric; ratings, which are none, are left out."""
    rows = [
        (benchmark, metric)
        for benchmark, metrics in next(iter(models.values())).items()
        for metric, figure in metrics.items()
        if "rating" not in str(figure["what"])
    ]
    if not rows:
        return
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.32 * len(rows)), layout="constrained")
    for place, (benchmark, metric) in enumerate(rows):
        for number, (name, figures) in enumerate(models.items()):
            found = figures.get(benchmark, {}).get(metric)
            if found is None:
                continue
            y = place + 0.6 * ((number + 0.5) / len(models) - 0.5)
            mean, low, high = (float(str(found[key])) for key in ("mean", "low", "high"))
            axes.errorbar(
                mean,
                y,
                xerr=[[mean - low], [high - mean]],
                fmt="o",
                markersize=4,
                color=f"C{number}",
                label=name if place == 0 else None,
            )
            if found["chance"] is not None and number == 0:
                chance = float(str(found["chance"]))
                axes.plot([chance] * 2, [place - 0.4, place + 0.4], color="0.6", linestyle=":")
    axes.set_yticks(range(len(rows)), [f"{benchmark} {metric}" for benchmark, metric in rows])
    axes.invert_yaxis()
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share, 95 % interval; dotted: chance")
    if len(models) > 1:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)
