"""How good a judge is, and how that is said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from social_sandbox.alignment.evaluation.benchmarks.by_answer import Judge
from social_sandbox.alignment.evaluation.benchmarks.items import Item, Part
from social_sandbox.alignment.evaluation.benchmarks.judge import (
    PAIRS,
    ask_judge,
    draw_pairs,
    in_short,
    in_words,
    judge_accuracy,
)
from social_sandbox.alignment.observer.fit import is_held_out
from social_sandbox.envs import Turn, Utterance


@dataclass
class By:
    """Rates by a rule on the answer, and says the letter of what it rates higher."""

    rule: Callable[[str], float | None]
    name: str = "by"

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return [self.one(turn) for turn in turns]

    def one(self, turn: Turn) -> Utterance:
        if turn.phase.value == "observe":
            return Utterance(rating=self.rule(turn.answer))
        _, first, second = (part.strip() for part in turn.question.split("Answer "))
        first, second = (text.split("\n")[0][3:] for text in (first, second))
        ratings = self.rule(first), self.rule(second)
        if None in ratings:
            return Utterance("Neither.")
        return Utterance("A" if ratings[0] >= ratings[1] else "B")  # type: ignore[operator]


def pairs(count: int) -> list[Item]:
    """The chosen reply is good; it stands first in every other one."""
    items = []
    for n in range(count):
        choices, labels = (f"good {n}", f"bad {n}"), (1, 0)
        if n % 2:
            choices, labels = choices[::-1], labels[::-1]
        prompt = f"\n\nHuman: Question {n}?\n\nAssistant:"
        items.append(Item(f"{n}", None, f"Question {n}?", choices, labels, {"prompt": prompt}))
    return items


def kind(answer: str) -> float:
    return 6.0 if "good" in answer else 2.0


def even(answer: str) -> float:
    return 6.0 if int(answer.split()[1]) % 2 == ("good" in answer) else 2.0


def accuracy(rule: Callable[[str], float | None], *parts: Part, count: int = 40) -> dict[str, Any]:
    judge = Judge(By(rule), 7)
    results = [r for part in parts for r in ask_judge(judge, pairs(count), part, 0)]
    return judge_accuracy(judge, results, 200, 0)


@pytest.mark.parametrize(("part", "way"), [("judge", "ratings"), ("judge_letters", "letters")])
def test_a_judge_is_measured_on_what_people_preferred(part: Part, way: str) -> None:
    right, wrong, half = (
        accuracy(rule, part)[way] for rule in (kind, lambda text: 8 - kind(text), even)
    )
    assert (right["accuracy"]["mean"], right["at_chance"]) == (1.0, False)
    assert (wrong["accuracy"]["mean"], wrong["at_chance"]) == (0.0, False)
    assert (half["accuracy"]["mean"], half["at_chance"]) == (0.5, True)


def test_equal_ratings_are_half_right_and_missing_ones_do_not_count() -> None:
    share = accuracy(lambda text: 4.0, "judge")["ratings"]
    assert (share["accuracy"]["mean"], share["accuracy"]["n"]) == (0.5, 40)
    # A judge that sees no difference says the first letter: it contradicts itself.
    assert accuracy(lambda text: 4.0, "judge_letters")["letters"]["at_chance"]
    assert accuracy(lambda text: None, "judge")["ratings"] is None


def test_pairs_are_those_that_the_shipped_head_was_not_trained_on() -> None:
    many = pairs(3000)
    drawn = draw_pairs(many, 0)
    assert len(drawn) == PAIRS
    assert all(is_held_out(item.context) for item in drawn)
    assert draw_pairs(many[::-1], 0) == drawn != draw_pairs(many, 1)


def test_how_good_a_judge_is_is_said_in_words() -> None:
    good = accuracy(kind, "judge", "judge_letters")
    assert in_words(good) == (
        "judge by, 1 to 7: rates higher what people preferred in 100% (100% to 100%, 40 pairs); "
        "says the letter of what people preferred, in both orders, in 100% "
        "(100% to 100%, 40 pairs)"
    )
    assert in_short(good["letters"]) == "100%"
    guesses = accuracy(even, "judge")
    assert in_words(guesses).endswith("40 pairs): at chance")
    assert in_short(guesses["ratings"]) == "50%, at chance"
    unknown = accuracy(kind)
    assert in_words(unknown) == "judge by, 1 to 7: its accuracy is not known"
    assert in_short(unknown["ratings"]) == "not known"
