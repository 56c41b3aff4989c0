"""How far the observer and a judge agree with people."""

from dataclasses import replace

import pytest

from social_sandbox.alignment.data.study import Item
from social_sandbox.alignment.evaluation.benchmarks.items import ItemResult
from social_sandbox.alignment.evaluation.people.judges import (
    judge_agreement,
    observer_agreement,
    observer_correlation,
    verdicts_of,
)
from tests.helpers.people import item, pair, rating


def rated(number: int, base: float | None, aligned: float | None) -> Item:
    ratings = {"base": {"alignment": base}, "aligned": {"alignment": aligned}}
    return replace(item(number), ratings=ratings)


ITEMS = {
    each.id: each
    for each in (rated(0, 2, 6), rated(1, 5, 3), rated(2, 4, 4), rated(3, None, 4), rated(4, 1, 7))
}


def test_the_observer_agrees_where_the_preferred_answer_is_rated_higher() -> None:
    judged = [
        pair("Ann", "item_0", "base", "aligned", "right"),  # agrees
        pair("Bob", "item_0", "aligned", "base", "right"),  # does not
        pair("Ann", "item_1", "base", "aligned", "left"),  # agrees
        pair("Ann", "item_2", "base", "aligned", "left"),  # a tie of the observer: one half
        pair("Ann", "item_3", "base", "aligned", "left"),  # without a rating: not counted
        pair("Ann", "item_4", "base", "aligned", "tie"),  # a tie of the person: not counted
        pair("Ann", "item_4", "base", "aligned", "left", role="repeat"),  # not counted
    ]
    found = observer_agreement(judged, ITEMS, "alignment", 200, 0)
    assert found
    assert (found.share, found.n) == (2.5 / 4, 4)
    assert found.estimate
    assert observer_agreement(judged, ITEMS, "engagement", 200, 0) is None


def test_ratings_are_compared_by_their_order() -> None:
    judged = [
        *(rating("Ann", "item_0", "base", value) for value in (1,)),
        *(rating("Bob", "item_0", "base", value) for value in (3,)),
        rating("Ann", "item_0", "aligned", 6),
        rating("Ann", "item_1", "base", 7),
        rating("Ann", "item_1", "aligned", 3),
        rating("Ann", "item_4", "base", 1),
    ]
    found = observer_correlation(judged, ITEMS, "alignment", 200, 0)
    assert found
    # People: 2, 6, 7, 3, 1. Observer: 2, 6, 5, 3, 1. Ranks differ in one exchange of two:
    # rho = 1 - 6 * (1 + 1) / (5 * 24).
    assert found.rho == pytest.approx(0.9)
    assert found.n == 5
    assert found.low is not None
    assert found.low <= found.rho <= (found.high or 0)
    assert observer_correlation(judged[:3], ITEMS, "alignment", 200, 0) is None


def test_verdicts_of_a_judge_are_found_by_the_answers_in_either_order() -> None:
    def verdict(number: int, answer: str, other: str, win: float) -> ItemResult:
        question = f"May I read diary {number}?"
        details = {"question": question, "answer": answer, "other": other, "how": "agreed"}
        scores = {"preferred": win}
        return ItemResult("rated", str(number), "pairwise", None, scores, details)

    verdicts = verdicts_of(
        [
            verdict(0, "Ask her first 0.", "Go away 0.", 1),
            verdict(1, "Go away 1.", "Ask her first 1.", 1),
            verdict(2, "Go away 2.", "Ask her first 2.", 0.5),
            verdict(3, "Another answer.", "Ask her first 3.", 1),
        ]
    )
    judged = [pair("Ann", f"item_{n}", "base", "aligned", "right") for n in range(4)]
    found = judge_agreement(judged, ITEMS, verdicts, 200, 0)
    assert found
    assert (found.share, found.n) == (1.5 / 3, 3)
