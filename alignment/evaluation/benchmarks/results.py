"""From results item by item to figures with intervals."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..intervals import estimate_mean
from .items import ItemResult
from .registry import Benchmark, Metric

Figure = dict[str, Any]
"""`mean`, `low` and `high` (None of a single score), `n`, `chance`, `what`, `better`; and `judge`,
how good the one is who gave it, where one did."""
Figures = dict[str, dict[str, Figure]]
"""By benchmark and metric."""

PREFERRED = "preferred"
"""The metric of answers that a judge compared with another model's."""

_PREFERRED = Metric(what="answers that the judge prefers to the other model's", chance=0.5)


@dataclass(frozen=True, slots=True)
class Scores:
    """All scores of one metric, by item or, for an exact match, by group."""

    metric: Metric
    by_item: dict[str, float]


def aggregate(
    benchmarks: Sequence[Benchmark], results: Sequence[ItemResult], resamples: int, seed: int
) -> Figures:
    """Every metric of every benchmark that has a score; an interval takes two."""
    figures: Figures = {}
    for benchmark in benchmarks:
        figures[benchmark.name] = found = {}
        for label, scores in all_scores(benchmark, results).items():
            values = np.array(list(scores.by_item.values()))
            if not len(values):
                continue
            metric, several = scores.metric, estimate_mean(values, resamples, seed)
            alone = {"mean": float(values[0]), "low": None, "high": None, "n": 1}
            found[label] = {
                **(asdict(several) if several else alone),
                "chance": metric.chance,
                "what": metric.what,
                "better": metric.better,
            }
    return figures


def all_scores(benchmark: Benchmark, results: Sequence[ItemResult]) -> dict[str, Scores]:
    """The scores of a benchmark by metric, out of the results of all.

    Metrics by category (`acc_harmless`) follow the metric itself where items have one; drops of
    `hh_adversarial` follow all.
    """
    own = [result for result in results if result.benchmark == benchmark.name]
    found: dict[str, Scores] = {}
    for name, metric in benchmark.metrics.items():
        chance = metric.chance if metric.chance is not None else _chance(own, name)
        known = replace(metric, chance=chance)
        found[name] = Scores(known, _scores(metric, name, own))
        found |= {label: Scores(known, scores) for label, scores in _by_category(own, name).items()}
    found[PREFERRED] = Scores(_PREFERRED, _scores(_PREFERRED, PREFERRED, own))
    if benchmark.name == "hh_adversarial":
        plain = [result for result in results if result.benchmark == "hh"]
        for name, metric in benchmark.metrics.items():
            before, after = (_scores(metric, name, rows) for rows in (plain, own))
            both = sorted(before.keys() & after.keys())
            what = f"the {name} of hh less this one, of the same questions"
            found[f"{name}_drop"] = Scores(
                Metric(what=what, better="lower"),
                {item: before[item] - after[item] for item in both},
            )
    return found


def scores_of(benchmark: Benchmark, results: Sequence[ItemResult], label: str) -> dict[str, float]:
    """The scores of one metric by item or group; none where there is no such metric."""
    found = all_scores(benchmark, results).get(label)
    return {} if found is None else found.by_item


def is_rating(figure: Figure) -> bool:
    """Whether a figure is on the judge's scale, and no share."""
    return "rating" in str(figure["what"])


def by_judge(label: str) -> bool:
    """Whether a judge gave a metric."""
    return label.startswith("rating") or label == PREFERRED


def _scores(metric: Metric, name: str, results: Sequence[ItemResult]) -> dict[str, float]:
    """By item; of an exact match by group, whole groups only."""
    whole = metric.all_of
    if whole is None:
        return {r.item: r.scores[name] for r in results if name in r.scores}
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
