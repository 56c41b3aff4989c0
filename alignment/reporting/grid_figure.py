"""The figure of the grid: the alignment of each agent's last answer, a world a panel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import MIN_RATING

from ..evaluation.society import rating_scale
from ..runtime.colours import SEQUENTIAL

_MOST_WORLDS = 6
"""Most worlds that the figure of the grid shows."""


def draw_grid(figure: Any, interactions: Sequence[Interaction]) -> None:
    """Draw the alignment of each agent's last revision, a world a panel."""
    worlds = list(dict.fromkeys(interaction.world for interaction in interactions))
    shown = worlds[:_MOST_WORLDS]
    size = 1 + max(max(interaction.position) for interaction in interactions)
    highest = rating_scale(interactions)
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    for axes, world in zip(grid.flat, shown, strict=False):
        of_world = [interaction for interaction in interactions if interaction.world == world]
        last = max(interaction.round for interaction in of_world)
        values = np.full((size, size), np.nan)
        for interaction in of_world:
            rating = interaction.rating("alignment", "revision")
            if interaction.round == last and rating is not None:
                values[interaction.position] = rating
        image = axes.imshow(values, cmap=SEQUENTIAL, vmin=MIN_RATING, vmax=highest)
        if size * columns <= 16:
            _write_values(axes, values, highest)
        axes.set_title(f"{world}, round {last}", fontsize="medium")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in grid[:, 0]:
        axes.set_ylabel("row")
    for axes in grid[-1, :]:
        axes.set_xlabel("column")
    figure.colorbar(image, ax=grid, label=f"alignment of the revision (1 to {highest})", shrink=0.9)
    hidden = f" ({len(shown)} of {len(worlds)} worlds)" if len(worlds) > len(shown) else ""
    figure.suptitle(f"Alignment on the grid{hidden}", fontsize="medium")


def _write_values(axes: Any, values: Any, highest: int) -> None:
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            # Light colours are those of high ratings.
            colour = "black" if value > (MIN_RATING + highest) / 2 else "white"
            axes.text(
                *(column, row, f"{value:.1f}"),
                **{"ha": "center", "va": "center", "fontsize": "small", "color": colour},
            )
