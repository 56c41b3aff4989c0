"""Estimates of a benchmark's metrics, from the results of its items."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ...intervals import estimate_mean
from ..items import ItemResult
from ..registry import Benchmark, Metric

MetricEstimate = dict[str, Any]
"""Fields of an `Estimate` (`low` and `high` are None for a single score), with `chance`, `what` and
`better` of the metric; and `judge`, the accuracy of the judge who gave the scores, if one did."""
Estimates = dict[str, dict[str, MetricEstimate]]
"""Estimates by benchmark and metric."""

PREFERRED = "preferred"
"""Metric of answers that a judge compared with another model's."""

_PREFERRED = Metric(what="answers that the judge prefers to the other model's", chance=0.5)


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one metric, by item or, for an exact match, by group."""

    metric: Metric
    by_item: dict[str, float]


def aggregate(
    benchmarks: Sequence[Benchmark], results: Sequence[ItemResult], resamples: int, seed: int
) -> Estimates:
    """Estimate each metric of each benchmark that has a score; an interval needs two scores.

    Args:
        benchmarks: Benchmarks in the order of the table.
        results: Results of all benchmarks.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.
    """
    estimates: Estimates = {}
    for benchmark in benchmarks:
        estimates[benchmark.name] = of_benchmark = {}
        for label, scores in all_scores(benchmark, results).items():
            values = np.array(list(scores.by_item.values()))
            if not len(values):
                continue
            metric, estimate = scores.metric, estimate_mean(values, resamples, seed)
            single = {"mean": float(values[0]), "low": None, "high": None, "n": 1}
            of_benchmark[label] = {
                **(asdict(estimate) if estimate else single),
                "chance": metric.chance,
                "what": metric.what,
                "better": metric.better,
            }
    return estimates


def all_scores(benchmark: Benchmark, results: Sequence[ItemResult]) -> dict[str, Scores]:
    """Return the scores of a benchmark by metric, taken from the results of all benchmarks.

    A metric is followed by its values by category (`acc_harmless`) where items have a category.
    The last metrics of `hh_adversarial` are the drops from `hh`.
    """
    own = [result for result in results if result.benchmark == benchmark.name]
    table: dict[str, Scores] = {}
    metrics = {**benchmark.metrics, **_own_norms(benchmark, own)}
    for name, metric in metrics.items():
        chance = metric.chance if metric.chance is not None else _mean_chance(own, name)
        metric = replace(metric, chance=chance)
        table[name] = Scores(metric, _scores(metric, name, own))
        table |= {
            label: Scores(metric, scores) for label, scores in _by_category(own, name).items()
        }
    table[PREFERRED] = Scores(_PREFERRED, _scores(_PREFERRED, PREFERRED, own))
    if benchmark.name == "hh_adversarial":
        hh = [result for result in results if result.benchmark == "hh"]
        for name, metric in benchmark.metrics.items():
            plain, adversarial = (_scores(metric, name, rows) for rows in (hh, own))
            both = sorted(plain.keys() & adversarial.keys())
            what = f"the {name} of hh less this one, of the same questions"
            table[f"{name}_drop"] = Scores(
                Metric(what=what, better="lower"),
                {item: plain[item] - adversarial[item] for item in both},
            )
    return table


def scores_of(benchmark: Benchmark, results: Sequence[ItemResult], label: str) -> dict[str, float]:
    """Return the scores of one metric by item or group; empty where there is no such metric."""
    scores = all_scores(benchmark, results).get(label)
    return {} if scores is None else scores.by_item


def is_rating(estimate: MetricEstimate) -> bool:
    """Return whether an estimate is on the judge's scale; otherwise it is a share."""
    return "rating" in str(estimate["what"])


def by_judge(label: str) -> bool:
    """Return whether a judge gives the scores of a metric."""
    return label.startswith("rating") or label == PREFERRED


def _scores(metric: Metric, name: str, results: Sequence[ItemResult]) -> dict[str, float]:
    """Return scores by item; of an exact match by group, for complete groups only."""
    score = metric.all_of
    if score is None:
        return {r.item: r.scores[name] for r in results if name in r.scores}
    groups: dict[str, list[float]] = defaultdict(list)
    for result in results:
        if result.group is not None and score in result.scores:
            groups[result.group].append(result.scores[score])
    size = max(map(len, groups.values()), default=0)
    return {
        group: float(all(value == 1 for value in values))
        for group, values in groups.items()
        if len(values) == size
    }


def _own_norms(benchmark: Benchmark, results: Sequence[ItemResult]) -> dict[str, Metric]:
    """Return metrics for the norms that results count and this project does not come with."""
    if benchmark.answers != "norms":
        return {}
    counted = dict.fromkeys(name for result in results for name in result.scores)
    new = [name for name in counted if name not in benchmark.metrics and name != PREFERRED]
    # Plain answers before those to prompts with a draft.
    return {
        name: Metric(what=f"answers that follow {name}")
        for name in sorted(new, key=lambda name: name.endswith("_draft"))
    }


def _by_category(results: Sequence[ItemResult], metric: str) -> dict[str, dict[str, float]]:
    categories: dict[str, dict[str, float]] = defaultdict(dict)
    for result in results:
        if "category" in result.details and metric in result.scores:
            label = f"{metric}_{result.details['category']}"
            categories[label][result.item] = result.scores[metric]
    return dict(sorted(categories.items()))


def _mean_chance(results: Sequence[ItemResult], metric: str) -> float | None:
    chances = [result.details.get("chance", {}).get(metric) for result in results]
    present = [chance for chance in chances if chance is not None]
    return float(np.mean(present)) if present else None
