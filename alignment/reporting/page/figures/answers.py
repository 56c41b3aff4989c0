"""Figures of held-out answers and benchmarks: the models beside one another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from social_sandbox.envs.rules.turns import ASPECTS

from ....evaluation.comparison import current_table
from ...adherence import WITNESS
from ...histograms import histogram
from ..answers import HELD_OUT, Answers, measured_name
from ..records import Figure, Point, Series
from .points import BY_T, Values, mean_point, numbers, rating_range, shares

Results = Mapping[str, Any]

_RATED = (*ASPECTS, "combined")
_BOOTSTRAP = "95 % bootstrap intervals over the questions."


def held_out_figures(results: Results, answers: Answers) -> Iterator[Figure]:
    """Yield the figures of `evaluation/results.json` and of the answers; none without results."""
    scale = int(results.get("rating_scale", 7))
    table = current_table(results.get("table") or {})
    low, high = rating_range(scale)
    rated = {name: table[name] for name in _RATED if name in table}
    witness = {name: row for name, row in table.items() if name.startswith(WITNESS)}
    others = {name: row for name, row in table.items() if name not in (*rated, *witness)}
    rated |= {f"{name.removeprefix(WITNESS)} (embedded)": row for name, row in witness.items()}
    if norms := results.get("norms"):
        yield Figure(
            id="held-out-norms",
            place="answers",
            title="Held-out answers that follow each norm",
            kind="bars",
            x_label="norm",
            y_label="share of the answers",
            series=_columns(norms),
            y_low=0.0,
            y_high=1.0,
            note=_BOOTSTRAP,
        )
    if rated:
        yield Figure(
            id="held-out-ratings",
            place="answers",
            title="Ratings of held-out answers",
            kind="bars",
            x_label="what is rated",
            y_label=f"mean rating, 1 to {scale}",
            series=_columns(rated),
            y_low=low,
            y_high=high,
            note=_BOOTSTRAP,
        )
        differences = _points((name, row["difference"]) for name, row in rated.items())
        yield Figure(
            id="held-out-differences",
            place="answers",
            title="Held-out answers: aligned minus base",
            kind="dots",
            x_label="what is rated",
            y_label="difference of the mean ratings, rating points",
            series=[Series("aligned minus base", differences)],
            note=_BOOTSTRAP,
        )
    if others:
        yield Figure(
            id="held-out-preferences",
            place="answers",
            title="Which of two given answers a model finds likelier",
            kind="bars",
            x_label="measure",
            y_label="share of the questions",
            series=_columns(others),
            y_low=0.0,
            y_high=1.0,
            note=f"moved: whose margin grew by alignment. {_BOOTSTRAP}",
        )
    yield from _by_kind(answers)
    yield from _histograms(answers, scale)
    yield from _refusals(answers)


def benchmark_figures(results: Results) -> Iterator[Figure]:
    """Yield a figure for each benchmark of `benchmarks/results.json`."""
    model = measured_name(results)
    for name, metrics in (results.get("benchmarks") or {}).items():
        for what, is_rating in (("shares", False), ("ratings", True)):
            chosen = {m: e for m, e in metrics.items() if ("rating" in str(e["what"])) is is_rating}
            series = [Series(model, _points(chosen.items()))]
            chances = [(m, e["chance"]) for m, e in chosen.items() if e.get("chance") is not None]
            if chances:
                series.append(Series("chance", [Point(m, chance) for m, chance in chances]))
            if chosen:
                yield Figure(
                    id=f"benchmark-{name}-{what}",
                    place="answers",
                    title=f"Benchmark {name}: {what}",
                    kind="bars",
                    x_label="metric",
                    y_label="mean rating" if is_rating else "share of the items",
                    series=series,
                    y_low=1.0 if is_rating else 0.0,
                    y_high=None if is_rating else 1.0,
                    note=" ".join(f"{m}: {e['what']}." for m, e in chosen.items()),
                )


def _columns(table: Mapping[str, Mapping[str, Any]]) -> list[Series]:
    names = dict.fromkeys(name for row in table.values() for name in row if name != "difference")
    series = [Series(n, _points((m, row.get(n)) for m, row in table.items())) for n in names]
    return [one for one in series if one.points]


def _points(estimates: Any) -> list[Point]:
    return [
        Point(name.replace("_", " "), e["mean"], e["low"], e["high"]) for name, e in estimates if e
    ]


def _scores(answers: Answers, model: str, name: str) -> Values:
    return numbers([r.answers.get(model, {}).get("scores", {}).get(name) for r in answers.held_out])


def _by_kind(answers: Answers) -> Iterator[Figure]:
    """Yield the change of each aspect by kind of question: each model minus the first."""
    kinds = np.array([record.kind for record in answers.held_out])
    for aspect in ASPECTS:
        series = []
        for model in answers.models[1:]:
            change = _scores(answers, model, aspect) - _scores(answers, answers.models[0], aspect)
            points = [mean_point(str(kind), change[kinds == kind]) for kind in np.unique(kinds)]
            found = [point for point in points if point is not None]
            if found:
                series.append(Series(f"{model} minus {answers.models[0]}", found))
        if series and len(set(kinds)) > 1:
            yield Figure(
                id=f"held-out-kinds-{aspect}",
                place="answers",
                title=f"Change of {aspect} by kind of question",
                kind="dots",
                x_label="kind of question",
                y_label="difference of the mean ratings, rating points",
                series=series,
                note=BY_T.replace("bands", "whiskers"),
            )


def _histograms(answers: Answers, scale: int) -> Iterator[Figure]:
    for aspect in ASPECTS:
        given: dict[str, Sequence[float]] = {
            model: [value for value in _scores(answers, model, aspect).tolist() if value == value]
            for model in answers.models
        }
        series = [
            shares(model, counted)
            for model, values in given.items()
            if (counted := histogram(values, scale))
        ]
        if series:
            yield Figure(
                id=f"held-out-shares-{aspect}",
                place="answers",
                title=f"Held-out answers by {aspect}",
                kind="histogram",
                x_label=f"rating, 1 to {scale}",
                y_label="share of the answers",
                series=series,
                y_low=0.0,
                note="Two bars for each point of the scale.",
            )


def _refusals(answers: Answers) -> Iterator[Figure]:
    sources = dict.fromkeys(record.source for record in answers.answered)
    series = []
    for model in answers.models:
        points = []
        for source in sources:
            refused = [
                float(given["refusal"])
                for record in answers.answered
                if record.source == source
                and (given := record.answers.get(model))
                and given.get("refusal") is not None
            ]
            point = mean_point(source.replace(HELD_OUT, "held-out"), np.array(refused), 0.0, 1.0)
            if point is not None:
                points.append(point)
        if points:
            series.append(Series(model, points))
    if series:
        yield Figure(
            id="refusals",
            place="answers",
            title="Refusals",
            kind="bars",
            x_label="questions",
            y_label="share of the answers",
            series=series,
            y_low=0.0,
            y_high=1.0,
            note=f"By a rule on the beginning of an answer. {BY_T.replace('bands', 'whiskers')}",
        )
