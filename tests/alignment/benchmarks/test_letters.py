"""What a model without likelihoods chooses, by the letter that it writes."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from social_sandbox.alignment.benchmarks.benchmark import find_benchmarks, installed
from social_sandbox.alignment.benchmarks.items import ItemResult
from social_sandbox.alignment.benchmarks.letters import choose_letters
from social_sandbox.alignment.benchmarks.loaders import load_items
from social_sandbox.envs import Turn, Utterance

from . import fixtures

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
    found = chosen(name, data, Says(lambda question: letter))
    right = sum(sum(result.scores.get(m, 0) for m in ("acc", "mc1")) for result in found)
    (chance,) = {next(iter(result.details["chance"].values())) for result in found}
    assert abs(right - chance * len(found)) < 1


def test_who_knows_the_right_choice_gets_it(data: Path) -> None:
    def reads(question: str) -> str:
        return next(line[0] for line in question.split("\n") if line.endswith(". Nothing."))

    found = chosen("truthfulqa", data, Says(reads))
    assert [result.scores for result in found] == [{"mc1": 1.0}] * 4
    assert len({result.details["answer"] for result in found}) > 1


def test_categories_are_kept(data: Path) -> None:
    found = chosen("hhh", data, Says(lambda question: "A"))
    assert Counter(r.details["category"] for r in found) == {"helpful": 3, "honest": 3}
