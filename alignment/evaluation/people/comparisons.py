"""Comparisons of two models' answers: win rates and Bradley-Terry scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.rules.seeding import key

from ..intervals import Estimate, estimate_over_clusters

Array = npt.NDArray[np.float64]

PRIOR = 0.1
"""Regularisation of the scores (`alpha` of choix): as if every two models had tied a little.
Without a prior, a model that always wins has an infinite score."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one rater said about the answers of two models to one question.

    Attributes:
        question: The question, whose comparisons depend on each other.
        first, second: Names of the models.
        win: 1 where the first is preferred, 0 where the second is, 0.5 for a tie.
    """

    question: str
    first: str
    second: str
    win: float


@dataclass(frozen=True, slots=True)
class WinRate:
    """How often one model is preferred to another; a tie counts one half.

    Attributes:
        model, other: The models.
        wins, ties, losses: Numbers of comparisons.
        questions: Number of questions.
        share: Share of wins, ties counting half.
        estimate: The share with its interval; None for fewer than two questions.
    """

    model: str
    other: str
    wins: int
    ties: int
    losses: int
    questions: int
    share: float
    estimate: Estimate | None


def win_rates(comparisons: Sequence[Comparison], resamples: int, seed: int) -> list[WinRate]:
    """Return the win rates of every two models that were compared, in the order of their names.

    The intervals are bootstrap intervals over questions.

    Args:
        comparisons: Comparisons of any two models.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.
    """
    rates = []
    for model, other in combinations(_models(comparisons), 2):
        ours = [each for each in comparisons if {each.first, each.second} == {model, other}]
        if not ours:
            continue
        wins = np.array([each.win if each.first == model else 1 - each.win for each in ours])
        questions = [each.question for each in ours]
        rates.append(
            WinRate(
                model,
                other,
                wins=int((wins == 1).sum()),
                ties=int((wins == 0.5).sum()),
                losses=int((wins == 0).sum()),
                questions=len(set(questions)),
                share=float(wins.mean()),
                estimate=estimate_over_clusters(wins, questions, resamples, seed),
            )
        )
    return rates


@dataclass(frozen=True, slots=True)
class Score:
    """A model's Bradley-Terry score, in nats, and its 95 % interval.

    A model whose score is higher by d wins 1 / (1 + exp(-d)) of its comparisons with the other. The
    mean of the scores of models that were compared, also by way of others, is 0.

    Attributes:
        model: The model.
        group: Number of its group; scores of different groups cannot be compared.
        score: The score.
        low, high: Ends of the interval; None for fewer than two questions.
    """

    model: str
    group: int
    score: float
    low: float | None
    high: float | None


def scores(comparisons: Sequence[Comparison], resamples: int, seed: int) -> list[Score]:
    """Return the scores of all models that were compared, the best of each group first.

    Bradley and Terry, Biometrika 39 (1952); Maystre and Grossglauser, Fast and accurate inference
    of Plackett-Luce models (2015), by the library choix. A tie is half a win of each. The intervals
    are percentiles of a bootstrap over questions.
    """
    found = []
    for number, models in enumerate(linked_models(comparisons)):
        place = {model: i for i, model in enumerate(models)}
        ours = [each for each in comparisons if each.first in place]
        questions = list(dict.fromkeys(each.question for each in ours))
        wins = np.zeros((len(questions), len(models), len(models)))
        at = {question: i for i, question in enumerate(questions)}
        for each in ours:
            first, second = place[each.first], place[each.second]
            wins[at[each.question], first, second] += each.win
            wins[at[each.question], second, first] += 1 - each.win
        middle = _fit(wins.sum(0))
        ends: Array | None = None
        if len(questions) > 1:
            rng = np.random.default_rng(key(seed, "bootstrap"))
            drawn = rng.multinomial(
                len(questions), np.full(len(questions), 1 / len(questions)), size=resamples
            )
            fits = [_fit(np.tensordot(counts, wins, axes=1)) for counts in drawn]
            ends = np.quantile(fits, [0.025, 0.975], axis=0)
        found += sorted(
            (
                Score(
                    model,
                    number,
                    float(middle[i]),
                    None if ends is None else float(ends[0, i]),
                    None if ends is None else float(ends[1, i]),
                )
                for model, i in place.items()
            ),
            key=lambda score: -score.score,
        )
    return found


def linked_models(comparisons: Sequence[Comparison]) -> list[list[str]]:
    """Return the groups of models that are linked by comparisons, the largest group first."""
    models = _models(comparisons)
    group = {model: {model} for model in models}
    for each in comparisons:
        if group[each.first] is not group[each.second]:
            group[each.first] |= group[each.second]
            for model in group[each.second]:
                group[model] = group[each.first]
    distinct = {id(members): members for members in group.values()}.values()
    return sorted((sorted(members) for members in distinct), key=lambda names: (-len(names), names))


def one_sided(rates: Sequence[WinRate]) -> dict[str, Literal["won", "lost"]]:
    """Return the models that won all of their comparisons, and those that lost all of them."""
    shares: dict[str, set[float]] = {}
    for rate in rates:
        shares.setdefault(rate.model, set()).add(rate.share)
        shares.setdefault(rate.other, set()).add(1 - rate.share)
    words: dict[float, Literal["won", "lost"]] = {1.0: "won", 0.0: "lost"}
    return {
        model: words[share]
        for model, (share, *others) in shares.items()
        if share in words and not others
    }


def _models(comparisons: Sequence[Comparison]) -> list[str]:
    return sorted({name for each in comparisons for name in (each.first, each.second)})


def _fit(wins: Array) -> Array:
    """Return the scores of (models, models) wins of the row's model against the column's."""
    import choix

    return np.asarray(choix.ilsr_pairwise_dense(wins, alpha=PRIOR, max_iter=1000, tol=1e-6))
