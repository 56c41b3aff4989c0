"""What people judged as estimates of a model's metrics, as benchmarks have them."""

from typing import Any

from ...evaluation.benchmarks.results.estimates import Estimates, MetricEstimate
from ...evaluation.intervals import Estimate
from ...evaluation.people.results import Results

PEOPLE = "people"
"""Name of these metrics' benchmark."""


def estimates_by_model(results: Results) -> dict[str, Estimates]:
    """Return the estimates of each model: its wins against each other one, and its ratings."""
    table: dict[str, Estimates] = {model: {PEOPLE: {}} for model in results.models}
    for rate in results.win_rates:
        table[rate.model][PEOPLE][f"preferred to {rate.other}"] = _metric(
            rate.share, rate.estimate, "answers that people prefer to the other model's", 0.5
        )
    for each in results.ratings:
        table[each.model][PEOPLE][each.aspect] = _metric(
            each.mean, each.estimate, f"people's rating of {each.aspect}", None
        )
    return {model: estimates for model, estimates in table.items() if estimates[PEOPLE]}


def agreement(results: Results) -> dict[str, Any]:
    """Return who agrees with people, and how far, by name; for logs."""
    shares = {f"observer_{name}": each.share for name, each in results.observer_pairs.items()}
    shares |= {f"judge_{name}": each.share for name, each in results.judges.items()}
    orders = {f"observer_{name}_rho": each.rho for name, each in results.observer_ratings.items()}
    alphas = {f"alpha_{name}": each for name, each in results.alpha.items() if each is not None}
    left = {} if results.left is None else {"left_share": results.left.mean}
    return {**shares, **orders, **alphas, **left}


def _metric(
    mean: float, estimate: Estimate | None, what: str, chance: float | None
) -> MetricEstimate:
    return {
        "mean": mean,
        "low": None if estimate is None else estimate.low,
        "high": None if estimate is None else estimate.high,
        "n": 1 if estimate is None else estimate.n,
        "chance": chance,
        "what": what,
        "better": "higher",
    }
