import pytest

from social_sandbox.alignment.data.groups import RatedGroup
from social_sandbox.alignment.data.pairs import Pairing, make_pairs, unrated_pair
from social_sandbox.envs.text.messages import Message
from tests.helpers.tiny import rated

GROUP = rated("a", ("low", 1.0), ("top", 7.0), ("mid", 4.0), ("top too", 7.0), ("unrated", None))


def texts(group: RatedGroup, pairing: Pairing, min_gap: float = 0.0) -> list[tuple[str, str]]:
    pairs = make_pairs([group], pairing, min_gap)
    return [(pair.chosen.text, pair.rejected.text) for pair in pairs]


def test_all_pairs_are_those_whose_ratings_differ() -> None:
    assert texts(GROUP, "all") == [
        ("top", "mid"),
        ("top", "low"),
        ("top too", "mid"),
        ("top too", "low"),
        ("mid", "low"),
    ]


def test_best_worst_takes_the_ends_of_each_group() -> None:
    assert texts(GROUP, "best_worst") == [("top", "low")]


def test_adjacent_takes_each_level_with_the_next_lower_one() -> None:
    assert texts(GROUP, "adjacent") == [("top", "mid"), ("mid", "low")]


@pytest.mark.parametrize("pairing", ["all", "best_worst", "adjacent"])
def test_equals_and_single_candidates_make_no_pair(pairing: Pairing) -> None:
    assert texts(rated("a", ("one", 4.0), ("two", 4.0)), pairing) == []
    assert texts(rated("a", ("one", 4.0)), pairing) == []
    assert texts(rated("a", ("same", 4.0), ("same", 2.0)), pairing) == []


def test_a_gap_below_the_least_makes_no_pair() -> None:
    assert texts(GROUP, "adjacent", 3.5) == []
    assert texts(GROUP, "all", 3.5) == [("top", "low"), ("top too", "low")]
    assert texts(GROUP, "all", 6.0) == [("top", "low"), ("top too", "low")]


def test_a_pair_without_ratings_keeps_its_questions() -> None:
    prompt = [Message("system", "Be kind."), Message("user", "one"), Message("user", "two")]
    pair = unrated_pair(prompt, "better", "worse")
    assert (pair.first_question, pair.last_question) == ("one", "two")
    assert (pair.chosen.rating, pair.rejected.rating) == (None, None)
    assert unrated_pair([], "better", "worse").last_question == ""
