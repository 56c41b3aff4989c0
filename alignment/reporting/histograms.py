"""Histograms of ratings, for wandb, for a file and for a figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import ASPECTS, JUDGED, MIN_RATING


@dataclass(frozen=True, slots=True)
class Histogram:
    """Numbers of ratings, two bars for each point of the scale.

    Attributes:
        counts: Number of ratings in each bar; the last bar includes its right edge.
        edges: Edges of the bars, one more than bars, from one end of the scale to the other.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...]


def histogram(ratings: Sequence[float | None], scale: int) -> Histogram | None:
    """Count ratings; None where all ratings are missing.

    Args:
        ratings: Ratings on 1 to `scale`; a rating outside of the scale counts at its end.
        scale: Highest rating.
    """
    present = [rating for rating in ratings if rating is not None]
    if not present:
        return None
    bars = np.linspace(MIN_RATING, scale, 2 * (scale - MIN_RATING) + 1)
    counts, edges = np.histogram(np.clip(present, MIN_RATING, scale), bins=bars)
    return Histogram(tuple(map(int, counts)), tuple(map(float, edges)))


def of_society(interactions: Sequence[Interaction], scale: int) -> dict[str, Histogram]:
    """Return histograms of the observers' ratings under names such as `alignment of the draft`."""
    histograms = {
        f"{aspect} of the {judged}": histogram(
            [interaction.rating(aspect, judged) for interaction in interactions], scale
        )
        for aspect in ASPECTS
        for judged in JUDGED
    }
    return {name: one for name, one in histograms.items() if one}


def of_answers(answers: Sequence[Mapping[str, Any]], scale: int) -> dict[str, Histogram]:
    """Return histograms of the ratings of held-out answers, such as `alignment of base`.

    `answers` are the rows of `evaluation.held_out.answer_rows`.
    """
    models = [
        name for row in answers[:1] for name, value in row.items() if isinstance(value, Mapping)
    ]
    histograms = {
        f"{aspect} of {model}": histogram([row[model][aspect] for row in answers], scale)
        for aspect in ASPECTS
        for model in models
    }
    return {name: one for name, one in histograms.items() if one}
