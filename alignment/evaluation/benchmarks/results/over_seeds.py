"""Runs that differ in the seed alone, as one model with intervals over seeds and items together."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ....runtime.stage import read_record
from ...intervals import SeedsEstimate, estimate_over_seeds
from ..registry import find_benchmarks
from .compare import RESAMPLES, Evaluated, obstacles
from .estimates import MetricEstimate, is_rating, scores_of
from .report import chance, judge_right

_STAGES = ("simulation", "data", "alignment")
_OF_THE_SEED = frozenset(
    {"seed", "groups", "interactions", "files", "items", "against", "against_name"}
)
"""Recorded settings that differ between the seeds of one experiment: inputs that were made anew."""


@dataclass(frozen=True)
class Seeds:
    """The runs of one experiment.

    Attributes:
        name: What its runs are called, without the part in which their names differ.
        runs: The runs by seed.
    """

    name: str
    runs: Mapping[int, Evaluated]


def by_settings(runs: Sequence[Evaluated]) -> list[Seeds]:
    """Return the runs in groups whose settings differ in the seed alone.

    Raises:
        UserError: Two runs of a group have the same seed.
    """
    groups: dict[str, list[Evaluated]] = {}
    for run in runs:
        groups.setdefault(_settings(run), []).append(run)
    seeds = []
    for members in groups.values():
        of_seed: dict[int, Evaluated] = {}
        for run in members:
            seed = int(run.results["made_with"].get("seed") or 0)
            if seed in of_seed:
                raise UserError(
                    f"compare: {of_seed[seed].name} and {run.name} have equal settings and the "
                    f"same seed {seed}"
                )
            of_seed[seed] = run
        seeds.append(Seeds(_common_name([run.name for run in members]), of_seed))
    return seeds


def side_by_side_over_seeds(
    groups: Sequence[Seeds],
) -> tuple[list[str], list[list[str]], list[str]]:
    """Return header, rows, and a line for each reason why groups are not comparable.

    A row has each group's mean with its interval; after the first group follows in brackets the
    difference to it, over the seeds and items that both have.

    Raises:
        UserError: The groups have no metric in common.
    """
    first, *others = groups
    of_first = next(iter(first.runs.values()))
    reasons: dict[str, list[str]] = {}
    rows = []
    for name, metrics in of_first.estimates.items():
        (benchmark,) = find_benchmarks([name])
        for metric, shown in metrics.items():
            scores = [
                {seed: scores_of(benchmark, run.items, metric) for seed, run in group.runs.items()}
                for group in groups
            ]
            own, *rest = (estimate_over_seeds(each, RESAMPLES, 0) for each in scores)
            cells = [_cell(own, shown)]
            for group, estimate, others_scores in zip(others, rest, scores[1:], strict=True):
                run = next(iter(group.runs.values()))
                why = obstacles(metric, benchmark, of_first, run)
                for reason in why:
                    line = f"not comparable, {first.name} and {group.name}: {reason}"
                    reasons.setdefault(line, []).append(f"{name} {metric}")
                gap = None if why else _difference(scores[0], others_scores)
                cells.append(_with_gap(_cell(estimate, shown), gap, shown))
            n = "" if own is None else str(own.n)
            rows.append([name, metric, chance(shown), n, *cells, judge_right(metric, shown)])
    if not any(all(cells[4:-1]) for cells in rows):
        raise UserError("compare: these results have no benchmark in common")
    names = [
        f"{group.name} ({len(group.runs)} seed{'s' * (len(group.runs) != 1)})" for group in groups
    ]
    lines = [f"{reason} ({', '.join(of)})" for reason, of in reasons.items()]
    return ["benchmark", "metric", "chance", "n", *names, "judge right"], rows, lines


def estimates_over_seeds(group: Seeds) -> dict[str, dict[str, MetricEstimate]]:
    """Return the estimates of a group by benchmark and metric, for the figure."""
    first = next(iter(group.runs.values()))
    estimates: dict[str, dict[str, MetricEstimate]] = {}
    for name, metrics in first.estimates.items():
        (benchmark,) = find_benchmarks([name])
        for metric, shown in metrics.items():
            scores = {s: scores_of(benchmark, run.items, metric) for s, run in group.runs.items()}
            estimate = estimate_over_seeds(scores, RESAMPLES, 0)
            if estimate is not None:
                estimates.setdefault(name, {})[metric] = {**shown, **asdict(estimate)}
    return estimates


Scores = Mapping[int, Mapping[str, float]]


def _difference(first: Scores, other: Scores) -> SeedsEstimate | None:
    """Estimate how much higher another group scores, paired by seed and item."""
    gaps = {
        seed: {
            item: score - first[seed][item]
            for item, score in of_seed.items()
            if item in first[seed]
        }
        for seed, of_seed in other.items()
        if seed in first
    }
    return estimate_over_seeds(gaps, RESAMPLES, 0)


def _cell(estimate: SeedsEstimate | None, shown: MetricEstimate) -> str:
    return "" if estimate is None else _number(estimate, shown, "")


def _with_gap(cell: str, gap: SeedsEstimate | None, shown: MetricEstimate) -> str:
    return cell if gap is None or not cell else f"{cell} [{_number(gap, shown, '+')}]"


def _number(estimate: SeedsEstimate, shown: MetricEstimate, sign: str) -> str:
    form = f"{sign}.{2 if is_rating(shown) else 3}f"
    if estimate.low is None:
        return format(estimate.mean, form)
    mean, low, high = (format(v, form) for v in (estimate.mean, estimate.low, estimate.high or 0.0))
    return f"{mean} ({low} to {high})"


def _settings(run: Evaluated) -> str:
    """Return everything recorded about a run that its seed does not change, as one text."""
    root: Path = run.path.parent.parent
    records = {stage: (read_record(root / stage) or {}).get("settings") for stage in _STAGES}
    measured = dict(run.results["made_with"])
    if records["alignment"] is not None:
        # The model that this run aligned, which every seed has for itself.
        measured = {k: v for k, v in measured.items() if k not in ("model", "weights")}
    made_with = {"benchmarks": measured, **records}
    return json.dumps(_without_seed(made_with), sort_keys=True)


def _without_seed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_seed(v) for k, v in value.items() if k not in _OF_THE_SEED}
    if isinstance(value, list):
        return [_without_seed(each) for each in value]
    return value


def _common_name(names: Sequence[str]) -> str:
    """Return what names have in common, such as `sft` of `sft_0` and `sft_1`."""
    if len(names) == 1:
        return names[0]
    start = names[0]
    for name in names[1:]:
        while not name.startswith(start):
            start = start[:-1]
    return re.sub(r"[\W_]*(seed)?[\W_]*$", "", start) or names[0]
