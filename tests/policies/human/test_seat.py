"""The seat of a person: turns wait there, and an answer counts once."""

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from social_sandbox.envs import Phase, Turn, UserError, Utterance
from social_sandbox.policies.browser.guard import Refused
from social_sandbox.policies.human import HumanInBrowser, HumanPolicy, person
from social_sandbox.policies.human.seat import LONGEST_ANSWER, Seat, turn_key
from social_sandbox.policies.policy import AsyncPolicy
from social_sandbox.policies.testing import example_turns


def turn(phase: Phase, **fields: Any) -> Turn:
    return replace(example_turns([phase])[0], **fields)


@pytest.fixture
def seat() -> Seat:
    return Seat("Ann")


def asked(seat: Seat, *turns: Turn) -> list["Future[Utterance]"]:
    return [seat.ask(each) for each in turns]


def test_the_first_turn_is_shown_and_the_others_are_counted(seat: Seat) -> None:
    draft, feedback = turn(Phase.DRAFT), turn(Phase.FEEDBACK)
    assert seat.state()["status"] == "waiting"
    answers = asked(seat, draft, feedback)
    state = seat.state()
    assert (state["status"], state["waiting"]) == ("asked", 2)
    assert (state["turn"]["key"], state["turn"]["rated"]) == (turn_key(draft), False)
    seat.answer(turn_key(draft), "  Ask her. ", None)
    assert answers[0].result().text == "Ask her."
    assert seat.state()["turn"]["rated"]
    seat.answer(turn_key(feedback), "", 6)
    assert answers[1].result().rating == 6
    assert seat.state()["answered"] == 2


def test_an_answer_that_is_sent_twice_counts_once(seat: Seat) -> None:
    (answer,) = asked(seat, turn(Phase.DRAFT))
    seat.answer(turn_key(turn(Phase.DRAFT)), "First.", None)
    seat.answer(turn_key(turn(Phase.DRAFT)), "Second.", None)
    assert answer.result().text == "First."
    assert seat.state()["answered"] == 1


@pytest.mark.parametrize(
    ("phase", "text", "rating", "problem"),
    [
        (Phase.DRAFT, " \n", None, "please write an answer"),
        (Phase.FEEDBACK, "", 8, "from 1 to 7"),
        (Phase.FEEDBACK, "", 0, "from 1 to 7"),
        (Phase.REVISE, "a" * (LONGEST_ANSWER + 1), None, "longer than"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_and_the_turn_stays(
    seat: Seat, phase: Phase, text: str, rating: float | None, problem: str
) -> None:
    asked(seat, turn(phase))
    with pytest.raises(Refused, match=problem):
        seat.answer(turn_key(turn(phase)), text, rating)
    assert seat.state()["status"] == "asked"


def test_a_turn_that_nobody_waits_for_is_taken_away(seat: Seat) -> None:
    (answer,) = asked(seat, turn(Phase.DRAFT))
    answer.cancel()
    with pytest.raises(Refused, match="is not recorded"):
        seat.answer(turn_key(turn(Phase.DRAFT)), "Too late.", None)
    seat.withdraw(turn(Phase.DRAFT))
    assert seat.state()["status"] == "waiting"


def test_a_page_hears_of_the_end(seat: Seat) -> None:
    assert not seat.must_be_told
    seat.state()
    seat.is_closed = True
    assert seat.must_be_told
    assert seat.state()["status"] == "stopped"
    assert not seat.must_be_told


def test_the_same_turn_has_the_same_key_when_it_is_asked_again() -> None:
    assert turn_key(turn(Phase.REVISE)) == turn_key(turn(Phase.REVISE))
    assert turn_key(turn(Phase.REVISE)) != turn_key(turn(Phase.REVISE, answer="Another draft."))


def test_a_person_plays_at_the_terminal_unless_a_browser_is_asked_for() -> None:
    assert isinstance(person(), HumanPolicy)
    assert not isinstance(person(), AsyncPolicy)
    policy = person("Ann", "browser", port=0)
    assert isinstance(policy, HumanInBrowser)
    assert isinstance(policy, AsyncPolicy)
    with pytest.raises(UserError, match=r"policy\.where: must be terminal or browser"):
        person(where="phone")  # type: ignore[arg-type]
