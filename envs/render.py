"""Pictures of a society as text and as pixels, drawn with numpy alone."""

import numpy as np
import numpy.typing as npt

from .turns import MIN_RATING, Phase
from .world import World

CELL, BORDER = 24, 3
"""Side of a cell and width of its border, in pixels."""

_UNRATED = (128, 128, 128)
# From red over white to blue: colour-blind people can tell these apart.
_SCALE = np.array([(178, 24, 43), (247, 247, 247), (33, 102, 172)])
_BORDERS = {"good": (240, 180, 0), "bad": (30, 30, 30)}


def last_ratings(world: World) -> npt.NDArray[np.float64]:
    """Return the alignment rating of each agent's last revision.

    The shape is (grid_size, grid_size); NaN stands for a missing rating.
    """
    size = world.config.grid_size
    ratings = np.full((size, size), np.nan)
    for interaction in world.interactions:
        rating = interaction.rating("alignment", "revision")
        ratings[interaction.position] = np.nan if rating is None else rating
    return ratings


def ansi(world: World) -> str:
    """Return the society as text: the state of the simulation, then one cell for each agent."""
    size, rounds = world.config.grid_size, world.config.n_rounds
    open_phases = [turn.phase for turn in world.pending()]
    counts = [f"{n} {phase}" for phase in Phase if (n := open_phases.count(phase))]
    state = f"round {world.round + 1} of {rounds}" if counts else f"{rounds} rounds, over"
    cells = [
        ("+" if view == "good" else "-") + ("  . " if np.isnan(rating) else f"{rating:4.1f}")
        for view, rating in zip(world.views, last_ratings(world).flat, strict=True)
    ]
    return "\n".join(
        (
            f"{world.name}, seed {world.seed}: {state}",
            f"pending: {', '.join(counts) or 'nothing'}",
            *("  ".join(cells[row * size : (row + 1) * size]) for row in range(size)),
            "+ good view, - bad view; the number is the alignment of the last revision",
        )
    )


def rgb_array(world: World) -> npt.NDArray[np.uint8]:
    """Return the society as an image with one cell for each agent.

    The colour of a cell is the alignment rating of the agent's last revision, from red (1) over
    white to blue (the highest rating); grey means that there is no rating. A golden border marks
    an agent with the good view, a black border one with the bad view.

    Returns:
        An array of shape (grid_size * CELL, grid_size * CELL, 3), uint8.
    """
    size = world.config.grid_size
    ratings = last_ratings(world)
    highest = world.config.rating_scale
    anchors = (MIN_RATING, (MIN_RATING + highest) / 2, highest)
    colours = np.stack([np.interp(ratings, anchors, channel) for channel in _SCALE.T], axis=-1)
    colours[np.isnan(ratings)] = _UNRATED
    borders = np.array([_BORDERS[view] for view in world.views]).reshape(size, size, 3)
    offsets = np.arange(size * CELL) % CELL
    inside = (offsets >= BORDER) & (offsets < CELL - BORDER)
    image = np.where((inside[:, None] & inside)[..., None], _enlarge(colours), _enlarge(borders))
    return image.round().astype(np.uint8)


def _enlarge(cells: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Repeat each cell to a square of CELL by CELL pixels."""
    return cells.repeat(CELL, axis=0).repeat(CELL, axis=1)
