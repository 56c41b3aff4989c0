"""Means with 95 % bootstrap intervals (percentile method, by scipy)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.seeding import key


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `n` measured values and its 95 % bootstrap interval from `low` to `high`."""

    mean: float
    low: float
    high: float
    n: int


def estimate_mean(values: npt.NDArray[np.float64], resamples: int, seed: int) -> Estimate | None:
    """Estimate the mean of (n,) values; None for fewer than two values.

    Over paired differences this is a paired bootstrap.

    Args:
        values: Measured values, (n,).
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.
    """
    if len(values) < 2:
        return None
    mean = float(values.mean())
    if np.ptp(values) == 0:
        return Estimate(mean, mean, mean, len(values))
    from scipy.stats import bootstrap

    interval = bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(key(seed, "bootstrap")),
    ).confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high), len(values))
