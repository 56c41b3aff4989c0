"""The results of a run that matter most, with their intervals."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from social_sandbox.envs.rules.turns import ASPECTS

from ....evaluation.adherence import ALL
from ....evaluation.comparison import current_table
from ...safeguards import safeguard_lines, verdict_word
from ..answers import Answers, measured_name
from ..figures.points import mean_point, numbers
from ..records import Estimate
from ..table import Columns

_HELD_OUT = {
    "combined": "rating points",
    "alignment": "rating points",
    "engagement": "rating points",
    "prefers_good": "share",
    "prefers_chosen": "share",
}
_MOVED = ("moved_to_good", "moved_to_chosen")
_MOST_BENCHMARKS = 6
_MOST_NORMS = 5


def headlines(
    columns: Columns,
    answers: Answers,
    results: Mapping[str, Any],
    benchmarks: Mapping[str, Any],
    safeguards: Mapping[str, Any],
) -> Iterator[Estimate]:
    """Yield the results: of held-out answers, of safeguards and benchmarks, of the society.

    Args:
        columns: The interactions.
        answers: The answers of the models.
        results: Contents of `evaluation/results.json`.
        benchmarks: Contents of `benchmarks/results.json`.
        safeguards: Contents of `safeguards/results.json`.
    """
    table = current_table(results.get("table") or {})
    norms = results.get("norms") or {}
    yield from _adherence(norms)
    # Where the same norms rate both aspects, the three ratings are one and the same.
    ratings = [table.get(name) for name in ("combined", "alignment", "engagement")]
    repeated = ("alignment", "engagement") if norms and ratings[0] == ratings[1] else ()
    for name, unit in _HELD_OUT.items():
        row = table.get(name) or {}
        if row.get("difference") and name not in repeated:
            note = f"{_shown(row.get('base'))} before, {_shown(row.get('aligned'))} after"
            label = f"Held-out {name.replace('_', ' ')}, aligned minus base"
            if name == "combined" and repeated:
                label = "Held-out rating by the norms, aligned minus base"
            yield _estimate(label, row["difference"], unit, 1, note)
    yield from _witness(table)
    yield from _safeguards(safeguards)
    for name in _MOVED:
        row = table.get(name) or {}
        if row.get("aligned"):
            note = "share of pairs whose better answer became likelier; 0.5 is chance"
            label = name.replace("_", " ").capitalize()
            yield _estimate(label, row["aligned"], "share", 1, note, against=0.5)
    yield from _refusals(answers)
    model = measured_name(benchmarks)
    measured = list((benchmarks.get("benchmarks") or {}).items())
    for benchmark, metrics in measured[:_MOST_BENCHMARKS]:
        for metric, estimate in list(metrics.items())[:1]:
            good = 1 if estimate.get("better") == "higher" else -1
            chance = estimate.get("chance")
            note = estimate["what"] + ("" if chance is None else f"; chance {chance:.2f}")
            label = f"{benchmark} {metric}, {model}"
            yield _estimate(label, estimate, "", good, note, against=chance)
    yield from _society(columns)


def _adherence(norms: Mapping[str, Mapping[str, Any]]) -> Iterator[Estimate]:
    """Yield the difference of the shares of answers that follow each norm, those of all first."""
    names = sorted(norms, key=lambda name: name != ALL)
    for name in names[:_MOST_NORMS]:
        row = norms[name]
        if row.get("difference"):
            label = f"Held-out answers that follow {name}, aligned minus base"
            note = f"{_shown(row.get('base'))} before, {_shown(row.get('aligned'))} after"
            yield _estimate(label, row["difference"], "share", 1, note)


def _witness(table: Mapping[str, Mapping[str, Any]]) -> Iterator[Estimate]:
    """Yield the differences by the embedded observer where it is a second witness."""
    for aspect in ASPECTS:
        row = table.get(f"embedded_{aspect}") or {}
        if row.get("difference"):
            label = f"Held-out {aspect} by the embedded observer"
            note = "the weaker witness: a small model rates, where the norms check"
            yield _estimate(label, row["difference"], "rating points", 1, note)


def _safeguards(results: Mapping[str, Any]) -> Iterator[Estimate]:
    for finding, line in zip(
        results.get("findings") or (),
        safeguard_lines(results.get("findings") or ()),
        strict=True,
    ):
        difference = finding["comparison"]["difference"]
        if difference is not None:
            label = f"Safeguard {verdict_word(finding)}: {finding['name']}, aligned minus base"
            yield _estimate(label, difference, "share", -finding["worse"], line)


def _society(columns: Columns) -> Iterator[Estimate]:
    for aspect in ASPECTS:
        draft = numbers(getattr(columns, f"draft_{aspect}"))
        revision = numbers(getattr(columns, f"revision_{aspect}"))
        point = mean_point("", revision - draft)
        if point is not None:
            yield Estimate(
                f"Rise of {aspect} by feedback",
                point.y,
                point.low,
                point.high,
                "rating points",
                1,
                "revision minus draft, by the observers",
            )
    rounds = np.array(columns.round)
    if len(rounds) and rounds.max() > rounds.min():
        revision = numbers(columns.revision_alignment)
        first, last = (revision[rounds == number] for number in (rounds.min(), rounds.max()))
        change = _difference(first, last)
        if change is not None:
            yield Estimate(
                "Alignment, last minus first round",
                *change,
                "rating points",
                1,
                "revisions, by the observers",
            )


def _difference(first: Any, last: Any) -> tuple[float, float, float] | None:
    """Return the difference of two means with its 95 % interval (Welch)."""
    first, last = first[np.isfinite(first)], last[np.isfinite(last)]
    if min(len(first), len(last)) < 2:
        return None
    from scipy.special import stdtrit

    errors = [values.var(ddof=1) / len(values) for values in (first, last)]
    total = sum(errors)
    middle = float(last.mean() - first.mean())
    if total == 0:
        return middle, middle, middle
    freedom = total**2 / sum(
        error**2 / (len(values) - 1) for error, values in zip(errors, (first, last), strict=True)
    )
    reach = float(stdtrit(freedom, 0.975) * np.sqrt(total))
    return middle, middle - reach, middle + reach


def _refusals(answers: Answers) -> Iterator[Estimate]:
    """Yield the difference of the shares of refusals between each model and the first one."""
    for model in answers.models[1:]:
        pairs = [
            (record.answers[answers.models[0]], record.answers[model])
            for record in answers.held_out
            if answers.models[0] in record.answers and model in record.answers
        ]
        refused = [
            float(last["refusal"]) - float(first["refusal"])
            for first, last in pairs
            if None not in (first.get("refusal"), last.get("refusal"))
        ]
        point = mean_point("", np.array(refused))
        if point is not None:
            label = f"Held-out refusals, {model} minus {answers.models[0]}"
            yield Estimate(label, point.y, point.low, point.high, "share", 0, "by a rule")


def _estimate(
    label: str,
    estimate: Mapping[str, Any],
    unit: str,
    good: int,
    note: str,
    against: float | None = 0.0,
) -> Estimate:
    return Estimate(
        label,
        estimate["mean"],
        estimate.get("low"),
        estimate.get("high"),
        unit,
        1 if good > 0 else -1,
        note,
        against,
    )


def _shown(estimate: Mapping[str, Any] | None) -> str:
    return f"{estimate['mean']:.2f}" if estimate else "not known"
