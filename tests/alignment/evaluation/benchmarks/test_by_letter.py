"""What a model without likelihoods chooses, by the letter that it writes."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from social_sandbox.alignment.evaluation.benchmarks.by_letter import choose_letters, chosen_letter
from social_sandbox.alignment.evaluation.benchmarks.items import ItemResult
from social_sandbox.alignment.evaluation.benchmarks.loading.loaders import load_items
from social_sandbox.alignment.evaluation.benchmarks.registry import find_benchmarks, installed
from social_sandbox.alignment.evaluation.benchmarks.results.remarks import remarks
from social_sandbox.envs import Turn, Utterance
from tests.helpers import benchmark_files as fixtures

CHOICES = [b.name for b in find_benchmarks(installed()) if b.task is not None]


@dataclass
class Says:
    """Answers with a text."""

    text: Callable[[str], str]
    name: str = "says"

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return [Utterance(self.text(turn.question)) for turn in turns]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return fixtures.write(tmp_path / "data")


def chosen(name: str, data: Path, policy: object) -> list[ItemResult]:
    (benchmark,) = find_benchmarks([name])
    items = load_items(benchmark, str(data), None, 0)
    return list(choose_letters(benchmark, items, policy, seed=0))  # type: ignore[arg-type]


@pytest.mark.parametrize("letter", ["A", "B"])
@pytest.mark.parametrize("name", CHOICES)
def test_always_the_same_letter_is_at_chance(name: str, letter: str, data: Path) -> None:
    results = chosen(name, data, Says(lambda question: letter))
    right = sum(sum(result.scores.get(m, 0) for m in ("acc", "mc1")) for result in results)
    (chance,) = {next(iter(result.details["chance"].values())) for result in results}
    assert abs(right - chance * len(results)) < 1


def test_who_knows_the_right_choice_gets_it(data: Path) -> None:
    def reads(question: str) -> str:
        return next(line[0] for line in question.split("\n") if line.endswith(". Nothing."))

    results = chosen("truthfulqa", data, Says(reads))
    assert [result.scores for result in results] == [{"mc1": 1.0}] * 4
    assert len({result.details["answer"] for result in results}) > 1


def test_categories_are_kept(data: Path) -> None:
    results = chosen("hhh", data, Says(lambda question: "A"))
    assert Counter(r.details["category"] for r in results) == {"helpful": 3, "honest": 3}


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", 1),
        ("b.", 1),
        ("(A) because", 0),
        ("**B.** You grow trees.", 1),
        ("The answer is C", 2),
        ("Answer: B", 1),
        ("The correct answer is B", 1),
        ("Option B", 1),
        ("It is B", 1),
        ("It\u2019s B.", 1),
        ("A better choice is B", 1),
        ("I'd go with B", 1),
        ("A is better", 0),
        ("B is right, and option A is wrong", 1),
        ("A is wrong; the answer is B", 1),
        ("The answer is A because it is kind", 0),
        ("The best continuation is B.", 1),
        ("Option A explains it better than option B does", 0),
        ("I would choose answer A over answer B", 0),
        ("Option A is wrong; option B is right", 1),
        ("Answer: A kind person helps", None),
        ("a good person would not", None),
        ("A person would not", None),
        ("It is a good thing", None),
        ("Neither A nor B", None),
        ("Because", None),
        ("", None),
        ("D", None),
        ("None of them", None),
    ],
)
def test_letters_are_read_from_answers(answer: str, letter: int | None) -> None:
    assert chosen_letter(answer, 3) == letter


def test_of_many_choices_one_is_called_i_and_a_speaker_too() -> None:
    assert chosen_letter("I", 9) == chosen_letter("The answer is I.", 9) == 8
    assert chosen_letter("I cannot say", 9) is None
    assert chosen_letter("I'm not sure", 9) is None


def test_an_answer_without_a_letter_is_wrong_and_counted(data: Path) -> None:
    results = chosen("hhh", data, Says(lambda question: "Who knows?" if "0" in question else "A"))
    without = [r for r in results if r.details["letter"] is None]
    assert {r.scores["acc"] for r in without} == {0.0}
    assert remarks(results) == ["hhh: 2 of 6 name no choice: wrong"]
