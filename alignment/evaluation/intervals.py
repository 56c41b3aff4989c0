"""Means with 95 % bootstrap intervals (percentile method, by scipy)."""

from collections.abc import Hashable, Sequence
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


def estimate_over_clusters(
    values: npt.NDArray[np.float64], clusters: Sequence[Hashable], resamples: int, seed: int
) -> Estimate | None:
    """Estimate the mean of (n,) values of which those of one cluster depend on each other.

    Whole clusters are drawn, such as all judgements of one question, so that ten raters of one
    question are no ten questions. The mean is over values: a large cluster counts more.

    Args:
        values: Measured values, (n,).
        clusters: The cluster of each value.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Returns:
        The estimate, whose `n` is the number of values; None for fewer than two clusters.
    """
    _, members = np.unique([repr(cluster) for cluster in clusters], return_inverse=True)
    sums, counts = np.bincount(members, values), np.bincount(members).astype(float)
    if len(counts) < 2:
        return None
    mean = float(values.mean())
    if np.ptp(values) == 0:
        return Estimate(mean, mean, mean, len(values))
    from scipy.stats import bootstrap

    interval = bootstrap(
        (sums, counts),
        lambda totals, sizes, axis: totals.sum(axis) / sizes.sum(axis),
        paired=True,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(key(seed, "bootstrap")),
    ).confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high), len(values))


def estimate_mean_by_t(values: npt.NDArray[np.float64]) -> Estimate | None:
    """Estimate the mean of (n,) values by Student's t; None for fewer than two values.

    Quick however many values there are, for figures with many intervals.
    """
    n = len(values)
    if n < 2:
        return None
    from scipy.special import stdtrit

    mean = float(values.mean())
    reach = float(stdtrit(n - 1, 0.975) * values.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - reach, mean + reach, n)
