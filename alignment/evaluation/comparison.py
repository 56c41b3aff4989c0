"""How the held-out results of an aligned model differ from those of its base model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.envs.rules.interactions import mean
from social_sandbox.envs.rules.turns import ASPECTS

from .config import EvaluateConfig
from .intervals import Estimate, estimate_mean

if TYPE_CHECKING:
    from .held_out import HeldOutResults

Values = npt.NDArray[np.float64]

_FORMER_COLUMNS = {"before": "base", "after": "aligned"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure of the base model, of the aligned model, and their paired difference.

    A column is None where fewer than two questions have a value, or where the measure has no such
    column.
    """

    base: Estimate | None
    aligned: Estimate | None
    difference: Estimate | None


def compare(
    base: "HeldOutResults", aligned: "HeldOutResults", config: EvaluateConfig
) -> dict[str, Comparison]:
    """Compare two models on the same questions, measure by measure.

    `alignment`, `engagement` and `combined` are mean ratings; `combined` is the rating that
    training data is made with. On a question where the engagement of either model is missing, both
    models count by their alignment alone.

    `prefers_good` and `prefers_chosen` are the shares of pairs whose better reply a model finds
    likelier. `embedded_alignment` and `embedded_engagement` are ratings of the embedded observer,
    where it is a second witness. `moved_to_good` and `moved_to_chosen` are the shares of pairs in
    which the margin of the better reply grew (TRL's `rewards/accuracies`, per token), whichever
    reply the base model finds likelier. The measures of chosen replies are there if people's
    preferences were measured, and those of good replies unless answers alone are measured.
    """
    ratings = {str(aspect): _mean_ratings(base, aligned, aspect) for aspect in ASPECTS}
    ratings["combined"] = _combined_ratings(ratings["alignment"], ratings["engagement"], config)
    for aspect in ASPECTS:
        if base.embedded and aligned.embedded:
            means = [_mean_over_samples(model.embedded[aspect]) for model in (base, aligned)]
            ratings[f"embedded_{aspect}"] = np.stack(means, axis=1)
    table = {
        name: compare_values(values[np.isfinite(values).all(axis=1)], config)
        for name, values in ratings.items()
    }
    margins = {
        "good": (base.good_margins, aligned.good_margins),
        "chosen": (base.chosen_margins, aligned.chosen_margins),
    }
    for better, both in margins.items():
        values = np.array(both).T.reshape(-1, 2)
        if len(values) or (better == "good" and not config.answers_only):
            table[f"prefers_{better}"] = compare_values((values > 0).astype(float), config)
            moved = (values[:, 1] > values[:, 0]).astype(float)
            share = estimate_mean(moved, config.resamples, config.seed)
            table[f"moved_to_{better}"] = Comparison(None, share, None)
    return table


def compare_values(values: Values, config: EvaluateConfig) -> Comparison:
    """Compare paired values of shape (n, 2): of the base and of the aligned model."""
    columns = (values[:, 0], values[:, 1], values[:, 1] - values[:, 0])
    return Comparison(*(estimate_mean(column, config.resamples, config.seed) for column in columns))


def plain_table(table: Mapping[str, Comparison]) -> dict[str, dict[str, Any]]:
    """Return a comparison as the plain values that `evaluation/results.json` records."""
    return {name: asdict(comparison) for name, comparison in table.items()}


def current_table(table: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a recorded table with its columns under today's names.

    Earlier versions recorded the columns `base` and `aligned` as `before` and `after`.
    """
    return {
        measure: {_FORMER_COLUMNS.get(name, name): value for name, value in columns.items()}
        for measure, columns in table.items()
    }


def _mean_ratings(base: "HeldOutResults", aligned: "HeldOutResults", aspect: Any) -> Values:
    """Return the means over samples, (questions, 2); NaN where no sample was rated."""
    return np.stack(
        [_mean_over_samples(model.ratings[aspect]) for model in (base, aligned)], axis=1
    )


def _mean_over_samples(ratings: Sequence[Sequence[float | None]]) -> Values:
    means = [mean(of_question) for of_question in zip(*ratings, strict=True)]
    return np.array(means, dtype=float)


def _combined_ratings(alignment: Values, engagement: Values, config: EvaluateConfig) -> Values:
    """Return the combined ratings, (questions, 2); NaN where alignment is missing."""
    # A combined rating minus a rating of alignment alone would not be a difference of models.
    engagement = np.where(np.isfinite(engagement).all(axis=1, keepdims=True), engagement, np.nan)
    ratings = zip(_or_none(alignment), _or_none(engagement), strict=True)
    combined = [combined_rating(*both, config.engagement_weight) for both in ratings]
    return np.array(combined, dtype=float).reshape(-1, 2)


def _or_none(values: Values) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values.ravel()]
