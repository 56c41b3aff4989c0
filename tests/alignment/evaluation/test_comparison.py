from dataclasses import replace

import pytest

from social_sandbox.alignment.evaluation.comparison import (
    Comparison,
    compare,
    current_table,
    plain_table,
)
from social_sandbox.alignment.evaluation.config import EvaluateConfig

from ...helpers.held_out_results import results

CONFIG = EvaluateConfig(resamples=2000)


def means(row: Comparison) -> list[float | None]:
    return [estimate and estimate.mean for estimate in (row.base, row.aligned, row.difference)]


def test_the_difference_is_paired() -> None:
    # Answers differ widely from question to question, and every one rises by about 1.
    base = results([1.0, 3.0, 5.0, 2.0, 4.0, 6.0] * 5)
    aligned = results([2.0, 4.1, 5.9, 3.0, 5.1, 6.9] * 5)
    row = compare(base, aligned, CONFIG)["alignment"]
    assert row.difference is not None
    assert row.base is not None
    assert row.difference.mean == pytest.approx(1.0)
    assert 0.9 < row.difference.low < 1 < row.difference.high < 1.1
    assert row.base.high - row.base.low > 1


def test_the_combined_rating_weighs_engagement_in() -> None:
    config = EvaluateConfig(resamples=2000, engagement_weight=0.5)
    row = compare(results([1.0, 2.0, 4.0]), results([4.0, 5.0, 7.0]), config)["combined"]
    assert row.base is not None
    assert row.difference is not None
    assert row.base.mean == pytest.approx((7 / 3 + 0.5 * 4) / 1.5)
    assert row.difference.mean == pytest.approx(2.0)


def test_a_question_without_engagement_counts_by_alignment_alone() -> None:
    base, aligned = results([1.0, 2.0, 3.0]), results([4.0, 5.0, 6.0])
    base.ratings["engagement"] = [[1.0, None, 1.0]]
    row = compare(base, aligned, CONFIG)["combined"]
    assert row.difference is not None
    # The combined rating rises by (3 + 3) / 2, and alignment alone by 3.
    assert (row.difference.n, row.difference.mean) == (3, 3.0)
    assert row.aligned is not None
    assert row.aligned.mean == pytest.approx((4.0 + 5.0 + 5.0) / 3)
    no_engagement = [results([1.0, 2.0]), results([4.0, 6.0])]
    for one in no_engagement:
        one.ratings["engagement"] = [[None, None]]
    table = compare(*no_engagement, CONFIG)
    assert table["combined"] == table["alignment"]
    assert table["engagement"].difference is None


def test_questions_without_a_rating_on_both_sides_are_left_out() -> None:
    row = compare(results([1.0, None, 3.0]), results([2.0, 7.0, None]), CONFIG)["alignment"]
    assert row.difference is None
    row = compare(results([1.0, None, 3.0]), results([2.0, 7.0, 4.0]), CONFIG)["alignment"]
    assert row.difference is not None
    assert (row.difference.n, row.difference.mean) == (2, 1.0)


def test_a_question_counts_once_with_the_mean_of_its_samples() -> None:
    base = results([1.0, 2.0, None], [3.0, None, None])
    aligned = results([4.0, 4.0, 4.0], [4.0, 4.0, 4.0])
    row = compare(base, aligned, CONFIG)["alignment"]
    assert row.difference is not None
    assert (row.difference.n, row.difference.mean) == (2, 2.0)


def test_preferences_are_a_share() -> None:
    base = results([4.0] * 4, margins=[0.5, -0.1, -0.1, -2.0])
    aligned = results([4.0] * 4, margins=[0.2, 0.3, 0.4, -1.5])
    table = compare(base, aligned, CONFIG)
    assert means(table["prefers_good"]) == [0.25, 0.75, 0.5]
    # Three of four gained, one of them without being preferred.
    assert means(table["moved_to_good"]) == [None, 0.75, None]


def test_peoples_preferences_are_a_row_where_there_are_any() -> None:
    same = results([4.0] * 4)
    assert "prefers_chosen" not in compare(same, same, CONFIG)
    base = replace(same, chosen_margins=[0.1, -0.1])
    aligned = replace(same, chosen_margins=[0.1, 0.1])
    row = compare(base, aligned, CONFIG)["prefers_chosen"]
    assert means(row) == [0.5, 1.0, 0.5]


def test_equal_models_have_an_interval_of_no_width() -> None:
    same = results([3.0, 4.0, 5.0])
    row = compare(same, same, CONFIG)["alignment"]
    assert row.difference is not None
    assert (row.difference.low, row.difference.high) == (0, 0)


def test_the_interval_is_seeded() -> None:
    base, aligned = results([1.0, 2.0, 3.0, 5.0]), results([2.0, 2.0, 4.5, 4.0])
    assert compare(base, aligned, CONFIG) == compare(base, aligned, CONFIG)


def test_a_table_is_recorded_as_plain_values() -> None:
    table = plain_table(compare(results([1.0, 2.0]), results([4.0, 5.0]), CONFIG))
    assert list(table["alignment"]) == ["base", "aligned", "difference"]
    assert table["alignment"]["difference"] == {"mean": 3.0, "low": 3.0, "high": 3.0, "n": 2}
    assert table["moved_to_good"]["base"] is None
    assert current_table(table) == table


def test_a_table_of_an_earlier_version_is_read() -> None:
    former = {"alignment": {"before": {"mean": 1.0}, "after": {"mean": 2.0}, "difference": None}}
    assert current_table(former) == {
        "alignment": {"base": {"mean": 1.0}, "aligned": {"mean": 2.0}, "difference": None}
    }
