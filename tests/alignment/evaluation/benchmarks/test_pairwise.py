"""Two models' answers, compared by a judge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from social_sandbox.alignment.evaluation.benchmarks.by_answer import Judge
from social_sandbox.alignment.evaluation.benchmarks.items import ItemResult, Query
from social_sandbox.alignment.evaluation.benchmarks.pairwise import (
    Verdict,
    compare_answers,
    pairwise_estimates,
    verdicts,
)
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
    only_rates = True

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        if any(turn.phase is not Phase.OBSERVE for turn in turns):
            raise UserError("policy rates only rates: it cannot draft")
        return [Utterance(rating=min(7.0, 1.0 + len(turn.answer))) for turn in turns]


def kinder(prompt: str) -> str:
    first, _, second = prompt.partition("Answer B:")
    return "A" if "kind" in first.partition("Answer A:")[2] else "B" if "kind" in second else "?"


@pytest.mark.parametrize(
    ("policy", "wins", "how"),
    [
        (Says(kinder), [1.0, 0.0, 0.5], ["agreed", "agreed", "unreadable"]),
        # Always the first: it contradicts itself every time.
        (Says(lambda prompt: "A"), [0.5, 0.5, 0.5], ["contradiction"] * 3),
        (Says(lambda prompt: "neither"), [0.5, 0.5, 0.5], ["unreadable"] * 3),
        (Rates(), [1.0, 0.0, 0.5], ["agreed", "agreed", "tie"]),
    ],
)
def test_both_orders_must_agree(policy: object, wins: list[float], how: list[str]) -> None:
    judge = Judge(policy, 7)  # type: ignore[arg-type]
    ours, theirs = ["be kind", "go", "go"], ["no", "so kind", "no"]
    results = verdicts(judge, [Query("?")] * 3, ours, theirs, seed=0)
    assert [verdict.win for verdict in results] == wins
    assert [verdict.how for verdict in results] == how


def test_a_letter_in_one_order_alone_decides_nothing() -> None:
    assert Verdict.of_letters(Utterance("A"), Utterance("?")) == Verdict(0.5, "unreadable")


@pytest.mark.parametrize("only_rates", [True, False])
def test_a_verdict_that_failed_is_none_and_is_asked_for_again(only_rates: bool) -> None:
    class Down(Rates):
        def act(self, turns: Sequence[Turn]) -> list[Utterance]:
            return [Utterance(error="no route to host") for _ in turns]

    judge = Down()
    judge.only_rates = only_rates  # type: ignore[misc]
    (results,) = compare_answers(Judge(judge, 7), [answer("0", "kind")], {"0": "no"}, 0)
    assert results.is_missing
    assert results.scores == {}
    assert results.details["error"] == "the judge: no route to host"
    assert pairwise_estimates([results], 100, 0) == {}


def test_a_judge_that_fails_is_not_taken_for_one_that_only_rates() -> None:
    class NoKey(Rates):
        only_rates = False

    with pytest.raises(UserError):
        verdicts(Judge(NoKey(), 7), [Query("?")], ["a"], ["b"], seed=0)


def answer(item: str, text: str, part: str = "answer") -> ItemResult:
    details = {"question": "?", "answer": text}
    return ItemResult("hh", item, part, None, {}, details)  # type: ignore[arg-type]


def test_what_a_judge_says_is_kept_and_counted() -> None:
    judge = Judge(Says(kinder), 7)
    ours = [answer(f"{n}", "kind" if n < 3 else "go") for n in range(4)]
    results = list(compare_answers(judge, ours, dict.fromkeys("0123", "no"), 0))
    assert results[0].details["other"] == "no"
    assert pairwise_estimates([*ours, *results], 100, 0)["hh"] | {"low": 0, "high": 0} == {
        **{"mean": 0.875, "low": 0, "high": 0, "n": 4, "way": "letters"},
        **{"contradictions": 0.0, "unreadable": 0.25, "ties": 0.0},
    }
    by_rating = list(compare_answers(Judge(Rates(), 7), ours, dict.fromkeys("0123", "go"), 0))
    estimates = pairwise_estimates(by_rating, 100, 0)["hh"]
    assert (estimates["way"], estimates["mean"], estimates["ties"]) == ("ratings", 0.875, 0.25)
    assert pairwise_estimates(ours, 100, 0) == {}


def test_the_judge_sees_what_was_said_before_the_question() -> None:
    seen: list[str] = []
    judge = Judge(Says(lambda prompt: seen.append(prompt) or "A"), 7)  # type: ignore[func-returns-value]
    details = {"question": "Why?", "earlier": [{"question": "Hi", "answer": "Go."}], "answer": "x"}
    (results,) = compare_answers(
        judge, [ItemResult("hh", "1", "answer", None, {}, details)], {"1": "y"}, 0
    )
    assert all("Question: Hi\nAnswer: Go." in prompt for prompt in seen)
    assert results.details["earlier"] == details["earlier"]
