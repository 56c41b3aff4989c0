"""From results item by item to figures with intervals."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from ..intervals import estimate
from .benchmark import Benchmark
from .items import ItemResult

Figure = dict[str, float | int | str | None]
"""`mean`, `low`, `high`, `n`, `chance`, `what`."""
Figures = dict[str, dict[str, Figure]]
"""By benchmark and metric."""


def aggregate(
    benchmarks: Sequence[Benchmark], results: Sequence[ItemResult], resamples: int, seed: int
) -> Figures:
    """Every metric of every benchmark that has at least two scores.

    Metrics by category (`acc_harmless`) follow the metric itself where items have one.
    """
    figures: Figures = {}
    for benchmark in benchmarks:
        own = [result for result in results if result.benchmark == benchmark.name]
        found: dict[str, Figure] = {}
        for name, metric in benchmark.metrics.items():
            by_label = {name: scores_of(benchmark, own, name)} | _by_category(own, name)
            chance = metric.chance if metric.chance is not None else _chance(own, name)
            for label, scores in by_label.items():
                result = estimate(np.array(list(scores.values())), resamples, seed)
                if result is not None:
                    found[label] = {
                        **asdict(result),
                        "chance": chance,
                        "what": metric.what,
                        "better": metric.better,
                    }
        figures[benchmark.name] = found
    drop = _drop(results, resamples, seed)
    if drop is not None and "hh_adversarial" in figures:
        figures["hh_adversarial"]["rating_drop"] = drop
    return figures


def scores_of(benchmark: Benchmark, results: Sequence[ItemResult], metric: str) -> dict[str, float]:
    """The scores of a metric by item, or by group for an exact match; whole groups only."""
    whole = benchmark.metrics[metric].all_of if metric in benchmark.metrics else None
    if whole is None:
        return {r.item: r.scores[metric] for r in results if metric in r.scores}
    groups: dict[str, list[float]] = defaultdict(list)
    for result in results:
        if result.group is not None and whole in result.scores:
            groups[result.group].append(result.scores[whole])
    size = max(map(len, groups.values()), default=0)
    return {
        group: float(all(score == 1 for score in scores))
        for group, scores in groups.items()
        if len(scores) == size
    }


def _by_category(results: Sequence[ItemResult], metric: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for result in results:
        if "category" in result.details and metric in result.scores:
            found[f"{metric}_{result.details['category']}"][result.item] = result.scores[metric]
    return dict(sorted(found.items()))


def _chance(results: Sequence[ItemResult], metric: str) -> float | None:
    chances = [result.details.get("chance", {}).get(metric) for result in results]
    known = [chance for chance in chances if chance is not None]
    return float(np.mean(known)) if known else None


def _drop(results: Sequence[ItemResult], resamples: int, seed: int) -> Figure | None:
    """How much lower answers are rated where a bad draft is put beside the question."""
    rated: Mapping[str, dict[str, float]] = defaultdict(dict)
    for result in results:
        if "rating" in result.scores:
            rated[result.benchmark][result.item] = result.scores["rating"]
    both = sorted(rated["hh"].keys() & rated["hh_adversarial"].keys())
    drops = np.array([rated["hh"][item] - rated["hh_adversarial"][item] for item in both])
    found = estimate(drops, resamples, seed)
    if found is None:
        return None
    what = "the rating of hh less this one, of the same questions"
    return {**asdict(found), "chance": None, "what": what, "better": "lower"}
