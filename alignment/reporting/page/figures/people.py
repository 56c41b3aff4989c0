"""Figures of what people judged, from `people/report.json`. Raters are not named in them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..records import Figure, Point, Series

_BY_QUESTION = "95 % bootstrap intervals over questions."


def people_figures(report: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield the figures of a report; none without judgements."""
    rates = report.get("win_rates") or []
    if rates:
        yield Figure(
            id="people-preferences",
            place="answers",
            title="Which answers people prefer",
            kind="dots",
            x_label="models",
            y_label="share of wins minus one half",
            series=[Series("share of wins minus one half", [_above_half(each) for each in rates])],
            note=f"A tie counts one half of a win; 0: neither is preferred. {_BY_QUESTION}",
        )
    scores = report.get("scores") or []
    for group in dict.fromkeys(each["group"] for each in scores):
        own = [each for each in scores if each["group"] == group]
        yield Figure(
            id="people-scores" + (f"-{group + 1}" if group else ""),
            place="answers",
            title="Bradley-Terry scores by people",
            kind="dots",
            x_label="model",
            y_label="score, nats",
            series=[
                Series(
                    "score",
                    [
                        Point(each["model"], each["score"], each["low"], each["high"])
                        for each in own
                    ],
                )
            ],
            note=f"A model whose score is 1.1 higher wins three of four. {_BY_QUESTION}",
        )
    ratings = report.get("ratings") or []
    if ratings:
        scale = report["scale"]
        yield Figure(
            id="people-ratings",
            place="answers",
            title="How people rate the answers",
            kind="bars",
            x_label="what is rated",
            y_label=f"mean rating, 1 to {scale}",
            series=[
                Series(
                    model,
                    [_point(each["aspect"], each) for each in ratings if each["model"] == model],
                )
                for model in dict.fromkeys(each["model"] for each in ratings)
            ],
            y_low=1.0,
            y_high=float(scale),
            note=_BY_QUESTION,
        )
    shared = list(_shared(report))
    if shared:
        yield Figure(
            id="people-agreement",
            place="answers",
            title="How often others prefer what people prefer",
            kind="bars",
            x_label="who prefers",
            y_label="share of people's preferences",
            series=[Series("agrees", shared)],
            y_low=0.0,
            y_high=1.0,
            note=f"Ties of the observer or judge count one half; 0.5 is chance. {_BY_QUESTION}",
        )


def _shared(report: Mapping[str, Any]) -> Iterator[Point]:
    of_observer: Iterable[tuple[str, Any]] = (report.get("observer_pairs") or {}).items()
    for name, each in of_observer:
        yield _point(f"observer's {name}", each)
    of_judges: Iterable[tuple[str, Any]] = (report.get("judges") or {}).items()
    for name, each in of_judges:
        yield _point(f"judge {name}", each)


def _above_half(rate: Mapping[str, Any]) -> Point:
    point = _point(f"{rate['model']} over {rate['other']}", rate)
    ends = [None if end is None else end - 0.5 for end in (point.y, point.low, point.high)]
    return Point(point.x, *ends)


def _point(x: str, row: Mapping[str, Any]) -> Point:
    """Return the share or the mean of a row, with the interval of its estimate."""
    estimate = row.get("estimate") or {}
    value = row["share"] if "share" in row else row["mean"]
    return Point(x, value, estimate.get("low"), estimate.get("high"))
