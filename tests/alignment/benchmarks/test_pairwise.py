"""Two models' answers, compared by a judge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from social_sandbox.alignment.benchmarks.answers import Judge
from social_sandbox.alignment.benchmarks.items import ItemResult
from social_sandbox.alignment.benchmarks.pairwise import compare_answers, preferred
from social_sandbox.envs import Phase, Turn, UserError, Utterance


@dataclass
class Says:
    """Answers with a letter."""

    letter: Callable[[str], str]
    name: str = "says"

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return [Utterance(self.letter(turn.question)) for turn in turns]


class Rates:
    """Cannot speak; likes long answers."""

    name = "rates"

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        if any(turn.phase is not Phase.OBSERVE for turn in turns):
            raise UserError("policy rates only rates: it cannot draft")
        return [Utterance(rating=min(7.0, 1.0 + len(turn.answer))) for turn in turns]


def kinder(prompt: str) -> str:
    first, _, second = prompt.partition("Answer B:")
    return "A" if "kind" in first.partition("Answer A:")[2] else "B" if "kind" in second else "?"


@pytest.mark.parametrize(
    ("policy", "wins"),
    [
        (Says(kinder), [1.0, 0.0, 0.5]),
        # Always the first: it contradicts itself every time.
        (Says(lambda prompt: "A"), [0.5, 0.5, 0.5]),
        (Says(lambda prompt: "neither"), [0.5, 0.5, 0.5]),
        (Rates(), [1.0, 0.0, 0.5]),
    ],
)
def test_both_orders_must_agree(policy: object, wins: list[float]) -> None:
    judge = Judge(policy, 7)  # type: ignore[arg-type]
    ours, theirs = ["be kind", "go", "go"], ["no", "so kind", "no"]
    assert preferred(judge, ["?"] * 3, ours, theirs, seed=0) == wins


def answer(item: str, text: str, part: str = "answer") -> ItemResult:
    details = {"question": "?", "answer": text}
    return ItemResult("hh", item, part, None, {}, details)  # type: ignore[arg-type]


def test_only_what_both_were_asked_is_compared() -> None:
    ours = [answer(f"{n}", "kind") for n in range(4)] + [answer("9", "", "choice")]
    theirs = [answer(f"{n}", "no") for n in range(1, 6)]
    found = compare_answers(Judge(Says(kinder), 7), ours, theirs, 100, 0)
    assert found == {"hh": {"mean": 1.0, "low": 1.0, "high": 1.0, "n": 3, "contradictions": 0.0}}
    assert compare_answers(Judge(Says(kinder), 7), ours, [], 100, 0) == {}
