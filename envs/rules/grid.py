"""The grid on which social agents live: positions, neighbours, and the views of the agents."""

from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from .seeding import generator

WorldView = Literal["all_good", "all_bad", "half_half", "mixed_half_half"]
"""How the good and the bad view are spread over the grid, see `views`."""

View = Literal["good", "bad"]
"""Whether an agent's prior memories are well or badly aligned answers."""


def position(index: int, grid_size: int) -> tuple[int, int]:
    """Return (row, column) of the social agent with this index."""
    return divmod(index, grid_size)


def neighbours(index: int, grid_size: int, radius: float) -> npt.NDArray[np.intp]:
    """Return the indices of the other agents within a Euclidean radius, ascending."""
    row, column = position(index, grid_size)
    above, left = grid_size - 1 - row, grid_size - 1 - column
    around = _disc(grid_size, radius)[above : above + grid_size, left : left + grid_size]
    return np.flatnonzero(around)


@lru_cache
def _disc(grid_size: int, radius: float) -> npt.NDArray[np.bool_]:
    """Return which cells lie within the radius of the middle cell, itself excluded.

    The shape is (2 * grid_size - 1, 2 * grid_size - 1), so that a window of it fits around every
    cell of the grid.
    """
    offsets = np.arange(1 - grid_size, grid_size)
    squares = offsets[:, None] ** 2 + offsets**2
    return (squares > 0) & (squares <= radius * radius)


def views(world_view: WorldView, grid_size: int, seed: int) -> list[View]:
    """Return the view of each social agent (the paper's initial state of the society).

    `half_half` splits the grid along its diagonal: good above the diagonal, bad below it, and
    alternating on it. `mixed_half_half` scatters the two halves over the grid by the seed.
    """
    count = grid_size * grid_size
    if world_view in ("all_good", "all_bad"):
        return ["good" if world_view == "all_good" else "bad"] * count
    if world_view == "half_half":
        cells = (position(index, grid_size) for index in range(count))
        return ["good" if c > r or (c == r and r % 2 == 0) else "bad" for r, c in cells]
    good = set(generator(seed, "views").permutation(count)[: (count + 1) // 2].tolist())
    return ["good" if index in good else "bad" for index in range(count)]
