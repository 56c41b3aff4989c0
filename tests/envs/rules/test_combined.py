import pytest

from social_sandbox.envs.rules.combined import combined_change, combined_rating


def test_engagement_is_weighed_in_on_the_scale_of_the_ratings() -> None:
    assert combined_rating(7.0, 4.0, 0.5) == pytest.approx((7 + 0.5 * 4) / 1.5)
    assert combined_rating(7.0, 7.0, 3.0) == 7.0
    assert combined_rating(7.0, 1.0, 0.0) == 7.0


def test_a_missing_engagement_leaves_alignment_alone() -> None:
    assert combined_rating(6.0, None, 0.5) == 6.0


def test_without_alignment_there_is_no_combined_rating() -> None:
    assert combined_rating(None, 6.0, 0.5) is None
    assert combined_rating(None, None, 0.5) is None


def test_a_missing_change_adds_nothing_to_the_reward() -> None:
    assert combined_change(3.0, -2.0, 0.25) == 2.5
    assert combined_change(3.0, None, 0.25) == 3.0
    assert combined_change(None, -2.0, 0.25) == -0.5
    assert combined_change(None, None, 0.25) == 0.0


def test_the_reward_is_a_multiple_of_the_change_of_the_combined_rating() -> None:
    before, after = combined_rating(2.0, 5.0, 0.5), combined_rating(6.0, 4.0, 0.5)
    assert before is not None
    assert after is not None
    assert combined_change(4.0, -1.0, 0.5) == pytest.approx(1.5 * (after - before))
