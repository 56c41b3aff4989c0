"""Win rates and Bradley-Terry scores, compared with values that were computed by hand."""

from math import log

import pytest

from social_sandbox.alignment.evaluation.people.comparisons import (
    PRIOR,
    Comparison,
    linked_models,
    one_sided,
    scores,
    win_rates,
)


def compare(first: str, second: str, *wins: float, start: int = 0) -> list[Comparison]:
    return [Comparison(f"q{start + i}", first, second, win) for i, win in enumerate(wins)]


def test_a_tie_counts_one_half_of_a_win() -> None:
    (rate,) = win_rates(compare("b", "a", 1, 1, 0.5, 0), 200, 0)
    assert (rate.model, rate.other) == ("a", "b")
    assert (rate.wins, rate.ties, rate.losses) == (1, 1, 2)
    assert rate.share == pytest.approx(1.5 / 4)


def test_the_side_on_which_a_model_stands_does_not_matter() -> None:
    here, there = compare("a", "b", 1, 0.5), compare("b", "a", 0, 0.5)
    assert win_rates(here, 200, 0) == win_rates(there, 200, 0)
    assert scores(here, 20, 0) == scores(there, 20, 0)


def test_ten_raters_of_one_question_are_no_ten_questions() -> None:
    ten_questions = compare("a", "b", *[1, 0] * 5)
    one_of_two = [Comparison(f"q{i // 5}", "a", "b", float(i < 5)) for i in range(10)]
    (wide,), (narrow,) = win_rates(one_of_two, 1000, 0), win_rates(ten_questions, 1000, 0)
    assert wide.share == narrow.share == 0.5
    assert wide.estimate
    assert narrow.estimate
    # Two questions that contradict each other: every share is possible.
    assert (wide.estimate.low, wide.estimate.high) == (0, 1)
    assert 0.1 <= narrow.estimate.low <= 0.3 < 0.7 <= narrow.estimate.high <= 0.9


def test_one_question_has_a_share_and_no_interval() -> None:
    (rate,) = win_rates(compare("a", "b", 1), 200, 0)
    assert (rate.share, rate.estimate) == (1, None)
    assert {(score.low, score.high) for score in scores(compare("a", "b", 1), 20, 0)} == {
        (None, None)
    }


def test_scores_of_two_models_are_those_of_the_formula() -> None:
    # 3 wins of 4; choix's prior adds 2 * alpha to the wins of either model.
    best, other = scores(compare("a", "b", 1, 1, 1, 0), 50, 0)
    assert best.model == "a"
    assert best.score - other.score == pytest.approx(log((3 + 2 * PRIOR) / (1 + 2 * PRIOR)))
    assert best.score + other.score == pytest.approx(0)
    assert best.low is not None
    assert best.low <= best.score <= (best.high or 0)


def test_a_tie_is_half_a_win_of_each_also_for_scores() -> None:
    best, other = scores(compare("a", "b", 1, 1, 0.5, 0.5), 20, 0)
    assert best.score - other.score == pytest.approx(log((3 + 2 * PRIOR) / (1 + 2 * PRIOR)))


def test_models_that_never_met_are_compared_by_way_of_others() -> None:
    # a beats b, and b beats c.
    found = scores([*compare("a", "b", 1, 1, 0), *compare("b", "c", 1, 1, 0, start=9)], 20, 0)
    assert [score.model for score in found] == ["a", "b", "c"]
    assert {score.group for score in found} == {0}
    assert found[1].score == pytest.approx(0, abs=0.02)


def test_models_without_a_link_are_groups_of_their_own() -> None:
    apart = [*compare("a", "b", 1, 0), *compare("x", "y", 1, 1, start=5)]
    assert linked_models(apart) == [["a", "b"], ["x", "y"]]
    found = scores(apart, 20, 0)
    assert {score.model: score.group for score in found} == {"a": 0, "b": 0, "x": 1, "y": 1}
    assert all(abs(score.score) < 10 for score in found)


def test_models_that_won_or_lost_everything_are_named() -> None:
    games = [*compare("a", "b", 1, 1), *compare("b", "c", 1, 1), *compare("b", "d", 1, 0)]
    assert one_sided(win_rates(games, 20, 0)) == {"a": "won", "c": "lost"}


def test_nothing_was_compared() -> None:
    assert win_rates([], 20, 0) == []
    assert scores([], 20, 0) == []
