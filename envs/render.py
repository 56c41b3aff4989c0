"""Pictures of a society, as text and as pixels, with numpy alone."""

import numpy as np
import numpy.typing as npt

from .turns import MIN_RATING, Phase
from .world import World

CELL, BORDER = 24, 3
"""Pixels: side of a cell, and the width of its border."""

_UNRATED = (128, 128, 128)
# Red to blue over white: told apart by colour-blind people too.
_SCALE = np.array([(178, 24, 43), (247, 247, 247), (33, 102, 172)])
_BORDERS = {"good": (240, 180, 0), "bad": (30, 30, 30)}


def last_ratings(world: World) -> npt.NDArray[np.float64]:
    """Each cell's mean alignment rating of its agent's last revision; NaN where there is none."""
    size = world.config.grid_size
    ratings = np.full((size, size), np.nan)
    for interaction in world.interactions:
        rating = interaction.rating("alignment", "revision")
        ratings[interaction.position] = np.nan if rating is None else rating
    return ratings


def ansi(world: World) -> str:
    """The society as text: a line of where it stands, then the grid, a cell an agent."""
    size, rounds = world.config.grid_size, world.config.n_rounds
    open_phases = [turn.phase for turn in world.pending()]
    counts = [f"{n} {phase}" for phase in Phase if (n := open_phases.count(phase))]
    stand = f"round {world.round + 1} of {rounds}" if counts else f"{rounds} rounds, over"
    cells = [
        ("+" if view == "good" else "-") + ("  . " if np.isnan(rating) else f"{rating:4.1f}")
        for view, rating in zip(world.views, last_ratings(world).flat, strict=True)
    ]
    return "\n".join(
        (
            f"{world.name}, seed {world.seed}: {stand}",
            f"pending: {', '.join(counts) or 'nothing'}",
            *("  ".join(cells[row * size : (row + 1) * size]) for row in range(size)),
            "+ born with the good view, - with the bad one; alignment of the last revision",
        )
    )


def rgb_array(world: World) -> npt.NDArray[np.uint8]:
    """The society as an image: cells from red (1) to blue (the best), grey where nothing is rated.

    A golden border marks an agent born with the good view, a black one the bad view.
    """
    size = world.config.grid_size
    ratings = last_ratings(world)
    best = world.config.rating_scale
    ends = (MIN_RATING, (MIN_RATING + best) / 2, best)
    colours = np.stack([np.interp(ratings, ends, channel) for channel in _SCALE.T], axis=-1)
    colours[np.isnan(ratings)] = _UNRATED
    borders = np.array([_BORDERS[view] for view in world.views]).reshape(size, size, 3)
    within = np.arange(size * CELL) % CELL
    inside = (within >= BORDER) & (within < CELL - BORDER)
    shown = np.where((inside[:, None] & inside)[..., None], _enlarge(colours), _enlarge(borders))
    return shown.round().astype(np.uint8)


def _enlarge(cells: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
