from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from social_sandbox.envs import Phase, Turn, UserError, Utterance
from social_sandbox.policies import AsyncPolicy, ScriptedPolicy, as_policy
from social_sandbox.policies.testing import example_turns

TURNS = example_turns()


def one(turn: Turn) -> str:
    return f"Rating: 5 ### Reason: {turn.question}"


def batch(turns: Sequence[Turn]) -> list[str]:
    return [one(turn) for turn in turns]


async def slow_one(turn: Turn) -> str:
    return one(turn)


async def slow_batch(turns: Sequence[Turn]) -> list[str]:
    return batch(turns)


class Single:
    name = "single"

    def act(self, turn: Turn) -> str:
        return one(turn)


class Batched:
    name = "batched"

    async def act(self, items: Sequence[Turn]) -> list[str]:
        return batch(items)


class Callable:
    def __call__(self, turn: Turn) -> str:
        return one(turn)


@pytest.mark.parametrize(
    "agent", [one, batch, slow_one, slow_batch, Single(), Batched(), Callable()]
)
def test_functions_and_objects_sync_and_async_can_play(agent: Any) -> None:
    policy = as_policy(agent)
    utterances = policy.act(TURNS)
    for turn, utterance in zip(TURNS, utterances, strict=True):
        rated = turn.phase in (Phase.FEEDBACK, Phase.OBSERVE)
        assert utterance.rating == (5 if rated else None)
        assert utterance.text == (turn.question if rated else one(turn))
        assert utterance.policy == policy.name
    assert policy.act([]) == []


def test_an_async_agent_answers_several_turns_at_once() -> None:
    assert isinstance(as_policy(slow_one), AsyncPolicy)
    assert not isinstance(as_policy(slow_batch), AsyncPolicy)


def test_a_policy_is_returned_as_it_is() -> None:
    policy = ScriptedPolicy()
    assert as_policy(policy) is policy


@pytest.mark.parametrize(
    ("answer", "rating"), [(3, 3.0), (6.5, 6.5), (None, None), ("no idea", None)]
)
def test_a_rating_can_be_a_number_a_text_or_missing(answer: Any, rating: float | None) -> None:
    turn = next(turn for turn in TURNS if turn.phase is Phase.FEEDBACK)
    (utterance,) = as_policy(lambda turn: answer).act([turn])
    assert utterance.rating == rating


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"text": "hi"}, "needs an Utterance or a text, got dict"),
        (5, "needs an Utterance or a text, got int"),
        (b"hi", "needs an Utterance or a text, got bytes"),
    ],
)
def test_an_object_that_is_no_answer_is_named(answer: Any, problem: str) -> None:
    def wrong(turn: Turn) -> Any:
        return answer

    with pytest.raises(UserError, match=f"policy wrong: 0/social_0/draft {problem}"):
        as_policy(wrong).act(TURNS[:1])


def test_a_rating_off_the_scale_is_named() -> None:
    turn = next(turn for turn in TURNS if turn.phase is Phase.FEEDBACK)
    with pytest.raises(UserError, match="a rating is 1 to 7 or None, got 11"):
        as_policy(lambda turn: 11).act([turn])
    with pytest.raises(UserError, match="a rating is 1 to 7 or None, got 8"):
        as_policy(lambda turn: Utterance("", 8.0)).act([turn])
    on_ten = replace(turn, rating_scale=10)
    assert as_policy(lambda turn: "Rating: 9/10").act([on_ten])[0].rating == 9


def test_a_batch_needs_as_many_answers_as_turns() -> None:
    def short(turns: Sequence[Turn]) -> list[Utterance]:
        return [Utterance("hi")]

    with pytest.raises(UserError, match=r"policy short: 3 turns .*, got 1 of them"):
        as_policy(short).act(TURNS[:3])


@pytest.mark.parametrize("value", [None, "huggingface", 7, ScriptedPolicy])
def test_an_object_that_is_no_agent_is_refused(value: Any) -> None:
    with pytest.raises(UserError, match="is no function"):
        as_policy(value)


@pytest.mark.parametrize("agent", [Single(), slow_one])
def test_an_agent_that_only_rates_says_so_as_a_policy_too(
    agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not as_policy(agent).only_rates  # type: ignore[attr-defined]
    monkeypatch.setattr(agent, "only_rates", True, raising=False)
    assert as_policy(agent).only_rates  # type: ignore[attr-defined]


def test_thoughts_of_a_function_are_no_answers_and_no_ratings() -> None:
    for phase in (Phase.DRAFT, Phase.FEEDBACK):
        (turn,) = example_turns([phase])[:1]
        (only,) = as_policy(lambda turn: "<think>Rating: 2?").act([turn])
        assert (only.text, only.rating, only.error) == ("", None, "the reply is only thought")
        (said,) = as_policy(lambda turn: "<think>Rating: 2?</think>Rating: 6").act([turn])
        assert said.rating == (6 if phase is Phase.FEEDBACK else None)
        assert "think" not in said.text
