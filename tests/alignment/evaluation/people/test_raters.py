"""How careful people are."""

from social_sandbox.alignment.evaluation.people.raters import left_share, raters
from tests.helpers.people import pair, rating


def test_checks_and_repeats_are_counted_for_each_rater() -> None:
    (ann, bob) = raters(
        [
            pair("Ann", "item_0", "base", "aligned", "right"),
            pair("Ann", "item_0", "aligned", "base", "left", role="repeat"),
            pair("Ann", "item_1", "base", "aligned", "tie"),
            pair("Ann", "item_1", "aligned", "base", "left", role="repeat"),
            pair("Ann", "check_0", "good", "bad", "left", role="check"),
            pair("Ann", "check_1", "good", "bad", "right", role="check"),
            pair("Bob", "item_0", "base", "aligned", "left"),
        ]
    )
    assert (ann.judgements, ann.checks, ann.passed, ann.pass_share) == (2, 2, 1, 0.5)
    # The same winner on the other side, and a tie that became a win.
    assert (ann.repeats, ann.same) == (2, 1)
    assert (bob.checks, bob.pass_share, bob.repeats) == (0, None, 0)


def test_a_rating_one_point_apart_is_the_same_as_before() -> None:
    (ann,) = raters(
        [
            rating("Ann", "item_0", "base", 3, 5),
            rating("Ann", "item_0", "base", 4, 4, role="repeat"),
            rating("Ann", "item_1", "base", 3, 5),
            rating("Ann", "item_1", "base", 3, 7, role="repeat"),
        ]
    )
    assert (ann.repeats, ann.same) == (2, 1)


def test_the_share_of_the_left_side_leaves_ties_and_checks_out() -> None:
    judged = [
        pair("Ann", "item_0", "base", "aligned", "left"),
        pair("Ann", "item_1", "base", "aligned", "left"),
        pair("Ann", "item_2", "base", "aligned", "right"),
        pair("Ann", "item_3", "base", "aligned", "left"),
        pair("Ann", "item_4", "base", "aligned", "tie"),
        pair("Ann", "check_0", "good", "bad", "right", role="check"),
    ]
    share = left_share(judged, 500, 0)
    assert share
    assert (share.mean, share.n) == (0.75, 4)
    assert left_share(judged[:1], 500, 0) is None
