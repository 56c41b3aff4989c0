"""How far machines agree with people: the observer's ratings, and the verdicts of a judge."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.envs.rules.interactions import mean
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import ASPECTS

from ...data.study import Item, Judgement
from ..benchmarks.items import ItemResult
from ..benchmarks.results.estimates import PREFERRED
from ..intervals import Estimate, estimate_over_clusters

Rated = Literal["alignment", "engagement", "combined"]
RATED: tuple[Rated, ...] = (*ASPECTS, "combined")

_FEWEST = 3
"""Fewest answers of which a correlation says anything."""

Verdicts = Mapping[tuple[str, str, str], float]
"""A judge's verdict by question and the two answers: 1 where the first is preferred, 0 where the
second is, 0.5 for a tie or for a contradiction."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The share of people's preferences that a machine shares; its ties count one half.

    Attributes:
        share: The share.
        estimate: The share with its interval by questions; None for fewer than two questions.
        n: Number of people's preferences, without ties, of which the machine has an opinion.
    """

    share: float
    estimate: Estimate | None
    n: int


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rank correlation of people's mean ratings of answers with the observer's.

    Attributes:
        rho: The correlation.
        low, high: Its 95 % bootstrap interval over questions; None where there is none.
        n: Number of answers.
    """

    rho: float
    low: float | None
    high: float | None
    n: int


def observer_rating(item: Item, model: str, rated: Rated) -> float | None:
    """Return the observer's rating of a model's answer; None where there is none."""
    given = item.ratings.get(model, {})
    if rated == "combined":
        return combined_rating(given.get("alignment"), given.get("engagement"), 1.0)
    return given.get(rated)


def observer_agreement(
    judgements: Sequence[Judgement],
    items: Mapping[str, Item],
    rated: Rated,
    resamples: int,
    seed: int,
) -> Agreement | None:
    """Return how often the observer rates the answer higher that a person preferred.

    Args:
        judgements: Judgements; those of pairs with a winner are counted.
        items: Items with the observer's ratings, by identifier.
        rated: Which of the observer's ratings is compared.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Returns:
        The agreement; None where the observer rated none of the pairs.
    """
    agrees, questions = [], []
    for judgement in _decided(judgements, items):
        item = items[judgement.item]
        won, lost = _won_and_lost(judgement)
        better, worse = (observer_rating(item, model, rated) for model in (won, lost))
        if better is not None and worse is not None:
            agrees.append(0.5 if better == worse else float(better > worse))
            questions.append(item.question)
    return _agreement(agrees, questions, resamples, seed)


def judge_agreement(
    judgements: Sequence[Judgement],
    items: Mapping[str, Item],
    verdicts: Verdicts,
    resamples: int,
    seed: int,
) -> Agreement | None:
    """Return how often a judge prefers the answer that a person preferred; see `verdicts_of`."""
    agrees, questions = [], []
    for judgement in _decided(judgements, items):
        item = items[judgement.item]
        won, lost = (item.answers[model].strip() for model in _won_and_lost(judgement))
        asked = item.question.strip()
        verdict = verdicts.get((asked, won, lost))
        if verdict is not None:
            agrees.append(verdict)
            questions.append(item.question)
    return _agreement(agrees, questions, resamples, seed)


def verdicts_of(results: Sequence[ItemResult]) -> dict[tuple[str, str, str], float]:
    """Return the verdicts in the results of a benchmark, each in both orders of the answers."""
    verdicts: dict[tuple[str, str, str], float] = {}
    for result in results:
        if result.part != "pairwise" or result.is_missing or PREFERRED not in result.scores:
            continue
        texts = (result.details.get(name) for name in ("question", "answer", "other"))
        question, answer, other = (str(text or "").strip() for text in texts)
        win = result.scores[PREFERRED]
        verdicts[question, answer, other], verdicts[question, other, answer] = win, 1 - win
    return verdicts


def observer_correlation(
    judgements: Sequence[Judgement],
    items: Mapping[str, Item],
    rated: Rated,
    resamples: int,
    seed: int,
) -> Correlation | None:
    """Return how far the observer orders answers as people's mean ratings do.

    Returns:
        The correlation; None for fewer than three answers, and where all ratings of the people or
        of the observer are equal.
    """
    by_answer: dict[tuple[str, str], list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        if judgement.kind == "rating" and judgement.role == "main" and judgement.item in items:
            by_answer[judgement.item, judgement.models[0]].append(judgement)
    people, machine, questions = [], [], []
    for (item_id, model), ratings in by_answer.items():
        item = items[item_id]
        ours, theirs = _people_rating(ratings, rated), observer_rating(item, model, rated)
        if ours is not None and theirs is not None:
            people.append(ours)
            machine.append(theirs)
            questions.append(item.question)
    x, y = np.array(people), np.array(machine)
    if len(x) < _FEWEST or not (np.ptp(x) and np.ptp(y)):
        return None
    low, high = _correlation_ends(x, y, questions, resamples, seed)
    return Correlation(_spearman(x, y), low, high, len(x))


def _people_rating(ratings: Sequence[Judgement], rated: Rated) -> float | None:
    alignment = mean(each.alignment for each in ratings)
    engagement = mean(each.engagement for each in ratings)
    if rated == "combined":
        return combined_rating(alignment, engagement, 1.0)
    return alignment if rated == "alignment" else engagement


def _correlation_ends(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    questions: Sequence[str],
    resamples: int,
    seed: int,
) -> tuple[float | None, float | None]:
    members = defaultdict(list)
    for place, question in enumerate(questions):
        members[question].append(place)
    clusters = [np.array(places) for places in members.values()]
    if len(clusters) < _FEWEST:
        return None, None
    rng = np.random.default_rng(key(seed, "bootstrap"))
    found = []
    for drawn in rng.integers(len(clusters), size=(resamples, len(clusters))):
        places = np.concatenate([clusters[each] for each in drawn])
        if np.ptp(x[places]) and np.ptp(y[places]):
            found.append(_spearman(x[places], y[places]))
    if not found:
        return None, None
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _spearman(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def _decided(judgements: Sequence[Judgement], items: Mapping[str, Item]) -> list[Judgement]:
    return [
        each
        for each in judgements
        if each.kind == "pair" and each.role == "main" and each.winner and each.item in items
    ]


def _won_and_lost(judgement: Judgement) -> tuple[str, str]:
    left, right = judgement.models
    return (left, right) if judgement.choice == "left" else (right, left)


def _agreement(
    agrees: Sequence[float], questions: Sequence[str], resamples: int, seed: int
) -> Agreement | None:
    if not agrees:
        return None
    values = np.array(agrees)
    estimate = estimate_over_clusters(values, questions, resamples, seed)
    return Agreement(float(values.mean()), estimate, len(values))
