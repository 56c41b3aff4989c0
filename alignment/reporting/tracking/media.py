"""Media of a wandb run: the grid and samples of each round, and the page of the run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import ASPECTS

from .run import Run

SAMPLES = 4
"""Interactions of a round that are sent: the worst and the best, half of each."""

MOST_BYTES = 500_000_000
"""Largest page that is sent."""


def round_media(interactions: Sequence[Interaction]) -> dict[str, Any]:
    """Return the media of one round: `env/grid`, a picture, and `env/samples`, a page.

    Args:
        interactions: Interactions of one round, at least one.
    """
    import wandb
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from ..grid_figure import draw_grid

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    draw_grid(figure, interactions)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = "".join(one._repr_html_() for one in samples(interactions))
    return {
        "env/grid": wandb.Image(np.asarray(canvas.buffer_rgba())),
        # Without `inject`, which would load a style sheet from the network.
        "env/samples": wandb.Html(f"<!doctype html><meta charset=utf-8>{shown}", inject=False),
    }


def samples(interactions: Sequence[Interaction]) -> list[Interaction]:
    """Return the interactions whose revisions are rated worst and best, the worst first."""
    rated = [(_rating(interaction), interaction) for interaction in interactions]
    ordered = [
        interaction
        for rating, interaction in sorted(rated, key=lambda pair: pair[0] or 0.0)
        if rating is not None
    ]
    if len(ordered) <= SAMPLES:
        return ordered or list(interactions[:SAMPLES])
    return [*ordered[: SAMPLES // 2], *ordered[-SAMPLES // 2 :]]


def _rating(interaction: Interaction) -> float | None:
    alignment, engagement = (interaction.rating(aspect, "revision") for aspect in ASPECTS)
    return combined_rating(alignment, engagement, 1.0)


def log_page(run: Run, folder: Path) -> None:
    """Log the page of a run as an artifact, unless the page is very large.

    Args:
        run: The wandb run; None logs nothing.
        folder: Folder of `index.html`.
    """
    if run is None:
        return
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > MOST_BYTES:
        return
    import wandb

    artifact = wandb.Artifact("page", "page", metadata={"open": "index.html", "bytes": size})
    artifact.add_dir(str(folder))
    run.log_artifact(artifact)
