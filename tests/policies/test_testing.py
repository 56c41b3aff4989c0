import doctest
from collections.abc import Sequence
from itertools import count

import pytest

from social_sandbox.envs import Turn, Utterance
from social_sandbox.policies import ScriptedPolicy, testing
from social_sandbox.policies.testing import check_policy


def test_the_examples_of_the_documentation_work() -> None:
    result = doctest.testmod(testing)
    assert result.attempted > 3
    assert result.failed == 0


def test_a_good_policy_has_no_problems() -> None:
    assert check_policy(ScriptedPolicy()) == []


class Short(ScriptedPolicy):
    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return super().act(turns)[:-1]


class Sorted(ScriptedPolicy):
    """Answers in an order of its own, as a batch sorted by length would."""

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return super().act(sorted(turns, key=lambda turn: turn.id))


class Excited(ScriptedPolicy):
    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return [Utterance("Great!", rating=11.0) for _ in turns]


class Moody(ScriptedPolicy):
    def __init__(self) -> None:
        self.mood = count()

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return [Utterance(f"{next(self.mood)}", rating=4.0) for _ in turns]


class Lonely(ScriptedPolicy):
    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        (turn,) = turns
        return super().act([turn])


class Crowded(ScriptedPolicy):
    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return [Utterance(f"We are {len(turns)}.", rating=4.0) for _ in turns]


class Silent(ScriptedPolicy):
    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return [Utterance() for _ in turns]


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (Short(), "a batch: policy scripted: 21 turns need a list of as many answers, got 20"),
        (Sorted(), "wrong order: answers do not follow the order of the turns"),
        (
            Excited(),
            "a batch: policy scripted: 0/social_0/draft: a rating is 1 to 7 or None, got 11",
        ),
        (Moody(), "not deterministic: asked twice, draft (0/social_0/draft) is answered"),
        (Lonely(), "a batch: it fails with ValueError: too many values to unpack"),
        (
            Crowded(),
            "the batch changes the answers: asked alone, draft (0/social_0/draft) is",
        ),
        (Silent(), "draft: it never says anything"),
        ("nobody", "policy: 'nobody' has no method act, and is no function"),
    ],
)
def test_each_problem_is_named_in_plain_words(policy: object, problem: str) -> None:
    problems = check_policy(policy)
    assert problems[0].startswith(problem), problems


def test_an_observer_need_not_draft() -> None:
    class Observer(ScriptedPolicy):
        def act(self, turns: Sequence[Turn]) -> list[Utterance]:
            assert all(turn.aspect for turn in turns)
            return super().act(turns)

    assert check_policy(Observer(), ["observe"]) == []
    assert "AssertionError" in check_policy(Observer())[0]


def test_an_api_need_not_be_deterministic() -> None:
    assert check_policy(Moody(), deterministic=False) == []
