"""Points of figures out of numbers: means with intervals, and shares of ratings."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.rules.turns import MIN_RATING

from ....evaluation.intervals import estimate_mean_by_t
from ...histograms import Histogram
from ..records import Point, Series

Values = npt.NDArray[np.float64]

BY_T = "The bands are 95 % intervals by Student's t, as if all values were independent."


def numbers(values: Sequence[float | None]) -> Values:
    """Return values as an array (n,) with NaN for None."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def mean_point(
    x: float | str, values: Values, low: float = -np.inf, high: float = np.inf
) -> Point | None:
    """Return the mean of (n,) values with its 95 % interval, from `low` to `high` at most.

    NaN values are left out; None where nothing is left.
    """
    present = values[np.isfinite(values)]
    if not len(present):
        return None
    estimate = estimate_mean_by_t(present)
    if estimate is None:
        return Point(x, _short(float(present.mean())))
    return Point(
        x, _short(estimate.mean), _short(max(low, estimate.low)), _short(min(high, estimate.high))
    )


def shares(name: str, histogram: Histogram) -> Series:
    """Return the share of the ratings in each bar of a histogram; x is the middle of the bar."""
    total = sum(histogram.counts)
    middles = [(low + high) / 2 for low, high in pairwise(histogram.edges)]
    return Series(
        name,
        [
            Point(middle, _short(count / total))
            for middle, count in zip(middles, histogram.counts, strict=True)
        ],
    )


def rating_range(scale: int) -> tuple[float, float]:
    """Return the limits of an axis of ratings."""
    return float(MIN_RATING), float(scale)


def _short(value: float) -> float:
    return round(value, 6)
