"""Several models side by side, with differences to the first."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from social_sandbox.envs.errors import UserError

from ...intervals import Estimate, estimate_mean
from ..items import ITEMS, ItemResult, by_place, result_log
from ..registry import Benchmark, find_benchmarks
from .estimates import PREFERRED, Estimates, MetricEstimate, by_judge, is_rating, scores_of
from .report import chance, interval, judge_right, number

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model with its benchmark results.

    Attributes:
        name: Name of the model's output folder.
        path: File of the item results.
        results: Contents of `results.json`, see `run.run_benchmarks`.
        items: Item results from which the estimates were made.
    """

    name: str
    path: Path
    results: Mapping[str, Any]
    items: list[ItemResult]

    @property
    def estimates(self) -> Estimates:
        """The estimates by benchmark and metric."""
        return dict(self.results["benchmarks"])

    @property
    def answers(self) -> dict[tuple[str, str], str]:
        """The free answers, by benchmark and item; requests that failed have none."""
        return {
            (result.benchmark, result.item): str(result.details["answer"])
            for result in self.items
            if result.part == "answer" and "answer" in result.details
        }


def read_evaluated(folder: str | Path, setting: str = "compare") -> Evaluated:
    """Return the results in an output folder, or in the folder `benchmarks` of one.

    Args:
        folder: Folder that `social-sandbox evaluate benchmarks=...` wrote.
        setting: Setting that names the folder, for error messages.

    Raises:
        UserError: The folder has no results of benchmarks, or damaged ones.
    """
    root = Path(folder)
    path = next((p for p in (root / "benchmarks", root) if (p / "results.json").exists()), None)
    if path is None or not (path / ITEMS).exists():
        raise UserError(
            f"{setting}: {folder} has no results of benchmarks: social-sandbox evaluate"
        )
    try:
        results = json.loads((path / "results.json").read_text(encoding="utf-8"))
        results = _current(results)
        unused = {tuple(place) for place in results["unused"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{setting}: {path / 'results.json'} is damaged: evaluate again") from error
    name = root.name if root.name != "benchmarks" else root.resolve().parent.name
    places = by_place(result_log(path / ITEMS).read())
    used = [result for place, result in places.items() if place not in unused]
    return Evaluated(name, path / ITEMS, results, used)


def _current(results: dict[str, Any]) -> dict[str, Any]:
    """Return the results of any version in the form of this version.

    The first version recorded one accuracy of the judge. Later ones, before `dialogues` was
    recorded, put only the last question of a dialogue to the model.
    """
    estimates, judge = results["benchmarks"], results["judge"]
    results["made_with"] = {"dialogues": "last question", **results["made_with"]}
    if "unused" in results:
        return results
    if judge and judge["accuracy"]:
        judge = judge | {"ratings": {name: judge[name] for name in ("accuracy", "at_chance")}}
    for metrics in estimates.values():
        for metric, estimate in metrics.items():
            if judge and by_judge(metric):
                estimate["judge"] = judge.get("ratings")
    return results | {"judge": judge, "pairwise": None, "choices": None, "unused": []}


def difference(
    benchmark: Benchmark, metric: str, first: Evaluated, other: Evaluated, seed: int = 0
) -> Estimate | None:
    """Estimate how much higher another model scores, paired over the items that both have."""
    scores, other_scores = (scores_of(benchmark, model.items, metric) for model in (first, other))
    both = sorted(scores.keys() & other_scores.keys())
    differences = np.array([other_scores[item] - scores[item] for item in both])
    return estimate_mean(differences, RESAMPLES, seed)


def obstacles(metric: str, benchmark: Benchmark, first: Evaluated, other: Evaluated) -> list[str]:
    """Return the reasons for which a metric of two models cannot be compared.

    A setting that a folder does not record is no reason.
    """
    if by_judge(metric):
        names = ["judge", "rating_scale", "dialogues"]
        names += ["against"] if metric == PREFERRED else []
        settings = [model.results["made_with"] for model in (first, other)]
    elif benchmark.answers == "refusals":
        return []
    else:
        names = ["choices", "apply_chat_template"]
        settings = [
            {"choices": model.results["choices"]}
            # The chat template matters for likelihoods alone.
            | (model.results["made_with"] if model.results["choices"] == "likelihood" else {})
            for model in (first, other)
        ]
    return [
        f"{name} {_in_words(settings[0][name])} and {_in_words(settings[1][name])}"
        for name in names
        if None not in (settings[0].get(name), settings[1].get(name))
        and settings[0][name] != settings[1][name]
    ]


def side_by_side(models: Sequence[Evaluated]) -> tuple[list[str], list[list[str]], list[str]]:
    """Return header, rows, and a line for each reason why rows are not comparable.

    A row has each model's estimate, with the difference to the first model in brackets.

    Raises:
        UserError: The models have no metric in common.
    """
    first, *others = models
    rows, have_common = [], False
    reasons: dict[str, list[str]] = {}
    for name, metric in _metrics(models):
        (benchmark,) = find_benchmarks([name])
        estimates = [model.estimates.get(name, {}).get(metric) for model in models]
        present = [estimate for estimate in estimates if estimate is not None]
        have_common |= len(present) > 1 or not others
        own = estimates[0]
        cells = ["" if own is None else f"{number(own, 'mean')} ({interval(own)})"]
        for other, estimate in zip(others, estimates[1:], strict=True):
            if estimate is None or own is None:
                cells.append("" if estimate is None else _mean(estimate, present[0]))
                continue
            why = obstacles(metric, benchmark, first, other)
            for reason in why:
                line = f"not comparable, {first.name} and {other.name}: {reason}"
                reasons.setdefault(line, []).append(f"{name} {metric}")
            gap = None if why else difference(benchmark, metric, first, other)
            cells.append(_cell(estimate, own, gap, comparable=not why))
        accuracies = dict.fromkeys(judge_right(metric, estimate) for estimate in present)
        n = str(present[0]["n"])
        rows.append([name, metric, chance(present[0]), n, *cells, " / ".join(accuracies)])
    if not have_common:
        raise UserError("compare: these results have no benchmark in common")
    header = ["benchmark", "metric", "chance", "n", *(m.name for m in models), "judge right"]
    return header, rows, [f"{reason} ({', '.join(of)})" for reason, of in reasons.items()]


def _metrics(models: Sequence[Evaluated]) -> Iterator[tuple[str, str]]:
    """Yield each benchmark and metric of any model, in the order of the first model."""
    for name in dict.fromkeys(name for model in models for name in model.estimates):
        labels = (label for model in models for label in model.estimates.get(name, {}))
        yield from ((name, label) for label in dict.fromkeys(labels))


def _cell(
    estimate: MetricEstimate, first: MetricEstimate, gap: Estimate | None, comparable: bool
) -> str:
    text = _mean(estimate, first)
    if not comparable:
        return f"{text} [not comparable]"
    if gap is None:
        return f"{text} [no two items in common]"
    digits = 2 if is_rating(estimate) else 3
    common = "" if gap.n == estimate["n"] == first["n"] else f", n {gap.n}"
    return (
        f"{text} [{gap.mean:+.{digits}f}: {gap.low:+.{digits}f} to {gap.high:+.{digits}f}{common}]"
    )


def _mean(estimate: MetricEstimate, first: MetricEstimate) -> str:
    """Return a mean, and its n where it is not the n of the row."""
    n = "" if estimate["n"] == first["n"] else f", n {estimate['n']}"
    return f"{number(estimate, 'mean')}{n}"


def different_settings(models: Sequence[Evaluated]) -> Iterator[str]:
    """Yield the settings that differ without making estimates incomparable."""
    for name in ("limit", "seed", "benchmark_temperature", "max_new_tokens"):
        made_with = [model.results["made_with"] for model in models]
        if all(name in settings for settings in made_with):
            values = [_in_words(settings[name]) for settings in made_with]
            if len(set(values)) > 1:
                of_each = ", ".join(
                    f"{value} ({model.name})" for value, model in zip(values, models, strict=True)
                )
                yield f"made with different {name}: {of_each}"


def _in_words(value: Any) -> str:
    """Return a setting in a few words; of a policy's recipe, its kind, name and model."""
    if isinstance(value, Mapping):
        kind = str(value.get("_target_", "")).rpartition(".")[2]
        names = [str(value[name]) for name in ("name", "model", "head") if value.get(name)]
        return " ".join([kind, *names])
    return str(value)[:40]
