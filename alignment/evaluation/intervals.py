"""Means with 95 % bootstrap intervals (percentile method, by scipy)."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.rules.seeding import key


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


@dataclass(frozen=True, slots=True)
class SeedsEstimate:
    """A mean over seeds and the units measured in each, such as questions.

    Attributes:
        mean: The mean of the means of all seeds.
        low: Lower end of the 95 % interval; None with one seed and one unit.
        high: Upper end, likewise.
        seeds: Number of seeds.
        n: Number of units of all seeds together.
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int
    n: int


def estimate_over_seeds(
    values: Mapping[int, Mapping[str, float]], resamples: int, seed: int
) -> SeedsEstimate | None:
    """Estimate a mean whose interval is over seeds and units together.

    A resample draws seeds, and in each of them units. Where all seeds have measured the same units,
    such as the held-out questions, one draw of units holds for all seeds of a resample: a hard
    question is hard for every seed (Owen 2007, the pigeonhole bootstrap). Otherwise each seed has a
    draw of its own (hierarchical bootstrap). With few seeds such intervals are rather too narrow.

    Args:
        values: The values of each seed by unit; of a value of the whole seed, such as a time, the
            unit is any name. Seeds without values are left out.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.
    """
    rows = [of_seed for _, of_seed in sorted(values.items()) if of_seed]
    if not rows:
        return None
    rng = np.random.default_rng(key(seed, "bootstrap over seeds"))
    are_shared = all(row.keys() == rows[0].keys() for row in rows)
    names = sorted(rows[0])
    arrays = [
        np.array([row[name] for name in (names if are_shared else sorted(row))]) for row in rows
    ]
    means = np.array([array.mean() for array in arrays])
    n = sum(map(len, arrays))
    mean = float(means.mean())
    if n < 2:
        return SeedsEstimate(mean, None, None, len(rows), n)
    draws = _counts(rng, len(names), resamples) if are_shared else None
    # Means of each seed over the units of a resample, (resamples, seeds).
    drawn = np.stack(
        [
            (_counts(rng, len(array), resamples) if draws is None else draws) @ array / len(array)
            for array in arrays
        ],
        axis=1,
    )
    chosen = rng.integers(len(rows), size=(resamples, len(rows)))
    low, high = np.percentile(np.take_along_axis(drawn, chosen, axis=1).mean(axis=1), (2.5, 97.5))
    return SeedsEstimate(mean, float(low), float(high), len(rows), n)


def _counts(rng: np.random.Generator, n: int, resamples: int) -> npt.NDArray[np.int64]:
    """Return how often each of n units is in each resample, (resamples, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples)
