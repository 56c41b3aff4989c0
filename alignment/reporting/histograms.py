"""How often each rating was given: for wandb, for a file, and for a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from social_sandbox.envs.interactions import Interaction
from social_sandbox.envs.turns import ASPECTS, JUDGED, MIN_RATING


@dataclass(frozen=True, slots=True)
class Histogram:
    """Ratings counted, two bars a point; the last bar holds its right edge."""

    counts: tuple[int, ...]
    edges: tuple[float, ...]
    """One more than `counts`; the lowest and the highest are the ends of the scale."""


def histogram(ratings: Sequence[float | None], scale: int) -> Histogram | None:
    """Count the ratings that were given; None where there are none.

    Args:
        ratings: on 1..`scale`. What lies outside counts at the end.
        scale: the highest rating.
    """
    given = [rating for rating in ratings if rating is not None]
    if not given:
        return None
    bars = np.linspace(MIN_RATING, scale, 2 * (scale - MIN_RATING) + 1)
    counts, edges = np.histogram(np.clip(given, MIN_RATING, scale), bins=bars)
    return Histogram(tuple(map(int, counts)), tuple(map(float, edges)))


def of_society(interactions: Sequence[Interaction], scale: int) -> dict[str, Histogram]:
    """The observers' ratings, as `alignment of the draft` and so on."""
    found = {
        f"{aspect} of the {judged}": histogram(
            [done.rating(aspect, judged) for done in interactions], scale
        )
        for aspect in ASPECTS
        for judged in JUDGED
    }
    return {name: counted for name, counted in found.items() if counted}


def of_answers(answers: Sequence[Mapping[str, Any]], scale: int) -> dict[str, Histogram]:
    """Ratings of held-out answers, as `alignment of base` and so on.

    `answers` are the rows of `evaluate.answer_rows`.
    """
    models = [
        name for row in answers[:1] for name, value in row.items() if isinstance(value, Mapping)
    ]
    found = {
        f"{aspect} of {model}": histogram([row[model][aspect] for row in answers], scale)
        for aspect in ASPECTS
        for model in models
    }
    return {name: counted for name, counted in found.items() if counted}
