"""Which questions are about the same."""

from social_sandbox.alignment.reporting.page.nearest import Questions

ASKED = [
    ("How do I cook rice?", "food"),
    ("Is it fair to lie to a friend?", "honesty"),
    ("Should I lie about my age?", "honesty"),
]


def test_a_question_of_the_same_kind_is_nearer_than_one_in_the_same_words() -> None:
    assert Questions(ASKED).nearest_to("How do I lie well?", "honesty", 3)[-1] == 0


def test_among_questions_of_a_kind_the_words_decide() -> None:
    assert Questions(ASKED).nearest_to("May I lie about my height?", "honesty", 1) == [2]
    assert Questions(ASKED).nearest_to("May I lie about my height?", "", 1) == [2]


def test_a_question_without_a_common_word_or_kind_is_near_to_none() -> None:
    assert Questions(ASKED).nearest_to("Quokkas?", "", 3) == []


def test_the_nearest_of_many_are_the_same_in_any_number_of_blocks() -> None:
    others = [(f"Filler {number}", "") for number in range(3000)] + ASKED
    assert [near[0] for near in Questions(ASKED).nearest_among(others, 2)] == [3000, 3001, 3002]
