"""The grid on which social agents live: positions, neighbours, and the views they are born with."""

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from .seeding import generator

WorldView = Literal["all_good", "all_bad", "half_half", "mixed_half_half"]
View = Literal["good", "bad"]
WORLD_VIEWS: tuple[WorldView, ...] = get_args(WorldView)


def position(index: int, grid_size: int) -> tuple[int, int]:
    """(row, column) of the social agent with this index."""
    return divmod(index, grid_size)


def neighbours(index: int, grid_size: int, radius: float) -> npt.NDArray[np.intp]:
    """Indices of the other agents within a Euclidean radius, ascending."""
    row, column = position(index, grid_size)
    above, left = grid_size - 1 - row, grid_size - 1 - column
    around = _disc(grid_size, radius)[above : above + grid_size, left : left + grid_size]
    return np.flatnonzero(around)


@lru_cache
def _disc(grid_size: int, radius: float) -> npt.NDArray[np.bool_]:
    """(2n - 1, 2n - 1) for grid_size n: which cells are near the middle one, itself left out."""
    away = np.arange(1 - grid_size, grid_size)
    distance = away[:, None] ** 2 + away**2
    return (distance > 0) & (distance <= radius * radius)


def views(world_view: WorldView, grid_size: int, seed: int) -> list[View]:
    """The view that each social agent is born with (paper: the initial state of the society).

    `half_half` splits the grid along its diagonal: good above it, bad below, in turns on it.
    `mixed_half_half` scatters the two halves over the grid by the seed.
    """
    count = grid_size * grid_size
    if world_view in ("all_good", "all_bad"):
        return ["good" if world_view == "all_good" else "bad"] * count
    if world_view == "half_half":
        cells = (position(index, grid_size) for index in range(count))
        return ["good" if c > r or (c == r and r % 2 == 0) else "bad" for r, c in cells]
    good = set(generator(seed, "views").permutation(count)[: (count + 1) // 2].tolist())
    return ["good" if index in good else "bad" for index in range(count)]
