"""Means with 95 % bootstrap intervals (percentile, scipy)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap

from social_sandbox.envs.seeding import key


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its 95 % bootstrap interval over what was measured."""

    mean: float
    low: float
    high: float
    n: int


def estimate(values: npt.NDArray[np.float64], resamples: int, seed: int) -> Estimate | None:
    """The mean of (n,) values; None for fewer than two. Over differences, a paired bootstrap."""
    if len(values) < 2:
        return None
    center = float(values.mean())
    if np.ptp(values) == 0:
        return Estimate(center, center, center, len(values))
    interval = bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(key(seed, "bootstrap")),
    ).confidence_interval
    return Estimate(center, float(interval.low), float(interval.high), len(values))
