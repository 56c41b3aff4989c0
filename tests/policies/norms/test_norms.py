"""The norms themselves: their examples, and answers that try to trick them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from social_sandbox.policies.norms import FOLLOWED, KEPT_OUT, NORMS, Norm

EACH = pytest.mark.parametrize("norm", NORMS.values(), ids=lambda norm: norm.name)


def test_there_are_twelve_norms_of_five_kinds_and_two_are_kept_out_of_tuning() -> None:
    assert len(NORMS) >= 12
    assert {norm.kind for norm in NORMS.values()} == {"form", "stance", "care", "honesty", "safety"}
    assert len(set(KEPT_OUT) & NORMS.keys()) == 2


@EACH
def test_examples_show_the_norm(norm: Norm) -> None:
    assert len(norm.follows) > 1
    assert norm.breaks
    assert norm.missing
    assert norm.about.endswith(".")
    for example in norm.follows:
        assert norm(example.question, example.answer) >= FOLLOWED, example
    for example in norm.breaks:
        assert norm(example.question, example.answer) < FOLLOWED, example


@EACH
@pytest.mark.parametrize("answer", ["", " \n ", "...", "?!", "\u2014", "\U0001f600", "???"])
def test_an_answer_without_words_follows_no_norm(norm: Norm, answer: str) -> None:
    assert norm("How are you?", answer) == 0


@EACH
@given(question=st.text(max_size=60), answer=st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_every_text_has_a_value_from_0_to_1(norm: Norm, question: str, answer: str) -> None:
    assert 0 <= norm(question, answer) <= 1
    assert norm(question, answer) == norm(question, answer)


@EACH
def test_thoughts_are_no_part_of_an_answer(norm: Norm) -> None:
    for example in (*norm.follows, *norm.breaks):
        thought = f"<think>I'm sorry, why? - a\n- b Call her.</think>{example.answer}"
        assert norm(example.question, thought) == norm(example.question, example.answer)
