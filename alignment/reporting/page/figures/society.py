"""Figures of a society: ratings by round, shares of ratings, and who improves."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.rules.turns import ASPECTS, JUDGED

from ...histograms import histogram
from ..records import Figure, Series
from ..table import Columns
from .points import BY_T, Values, mean_point, numbers, rating_range, shares

MOST_WORLDS = 12
"""A society of more worlds has no figure for each world."""


def society_figures(columns: Columns) -> Iterator[Figure]:
    """Yield the figures of a society; none where there are no interactions."""
    if not len(columns):
        return
    rounds, worlds = np.array(columns.round), np.array(columns.world)
    ratings = _ratings(columns)
    scale = columns.rating_scale
    everywhere = np.ones(len(columns), dtype=bool)
    yield _by_round("ratings", "run", "all worlds", rounds, ratings, everywhere, scale)
    names = columns.names["world"].texts
    if 1 < len(names) <= MOST_WORLDS:
        for number, name in enumerate(names):
            yield _by_round(
                f"ratings-{name}", "society", name, rounds, ratings, worlds == number, scale
            )
    yield from _shares(columns, ratings)
    rises = ratings["alignment of the revision"] - ratings["alignment of the draft"]
    yield from _rise_by_rating(numbers(columns.mean_rating), rises)


def _ratings(columns: Columns) -> dict[str, Values]:
    """Return the observers' mean ratings under names such as `alignment of the draft`."""
    return {
        f"{aspect} of the {judged}": numbers(getattr(columns, f"{judged}_{aspect}"))
        for aspect in ASPECTS
        for judged in JUDGED
    }


def _by_round(
    id: str,
    place: Literal["run", "society"],
    where: str,
    rounds: npt.NDArray[np.int_],
    ratings: dict[str, Values],
    chosen: npt.NDArray[np.bool_],
    scale: int,
) -> Figure:
    low, high = rating_range(scale)
    series = []
    for name, values in ratings.items():
        points = [
            mean_point(int(number), values[chosen & (rounds == number)], low, high)
            for number in np.unique(rounds[chosen])
        ]
        series.append(Series(name, [point for point in points if point is not None]))
    return Figure(
        id=id,
        place=place,
        title=f"Ratings by round, {where}",
        kind="line",
        x_label="round",
        y_label=f"mean rating by the observers, 1 to {scale}",
        series=[one for one in series if one.points],
        y_low=low,
        y_high=high,
        note=BY_T,
    )


def _shares(columns: Columns, ratings: dict[str, Values]) -> Iterator[Figure]:
    scale = columns.rating_scale
    by_peers = [rating for peers in columns.peers for _, rating in peers]
    panels: dict[str, tuple[str, dict[str, Sequence[float | None]]]] = {
        f"shares-{aspect}": (
            f"Observers' ratings of {aspect}",
            {
                judged: [value for value in ratings[f"{aspect} of the {judged}"] if value == value]
                for judged in JUDGED
            },
        )
        for aspect in ASPECTS
    }
    panels["shares-peers"] = ("Peers' ratings of the draft", {"peers": by_peers})
    for id, (title, values) in panels.items():
        series = [
            shares(name, counted)
            for name, given in values.items()
            if (counted := histogram(given, scale))
        ]
        if series:
            yield Figure(
                id=id,
                place="society",
                title=title,
                kind="histogram",
                x_label=f"rating, 1 to {scale}",
                y_label="share of the ratings",
                series=series,
                y_low=0.0,
                note="Two bars for each point of the scale.",
            )


def _rise_by_rating(mean_rating: Values, rises: Values) -> Iterator[Figure]:
    both = np.isfinite(mean_rating) & np.isfinite(rises)
    bins = np.floor(2 * mean_rating[both]) / 2
    points = [
        mean_point(f"{low:g} to {low + 0.5:g}", rises[both][bins == low]) for low in np.unique(bins)
    ]
    found = [point for point in points if point is not None]
    if found:
        yield Figure(
            id="rise-by-peer-rating",
            place="society",
            title="Rise of alignment by the peers' mean rating",
            kind="bars",
            x_label="mean rating by the peers",
            y_label="alignment of the revision minus the draft, rating points",
            series=[Series("rise", found)],
            note=BY_T.replace("bands", "whiskers"),
        )
