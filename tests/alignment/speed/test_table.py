import json
from pathlib import Path

import pytest
from rich.console import Console

from social_sandbox.alignment import cli
from social_sandbox.alignment.speed import environment, memories, table
from social_sandbox.alignment.speed.measure import Costs, Goal, Measurement, Missing, alternate

ROWS = [
    Measurement("env", "fast enough", 3.0, "x", Goal(2)),
    Measurement("env", "too dear", 3.0, "x", Goal(2, at_least=False)),
    Measurement("env", "no goal", 12345.6, "/s"),
    Missing("train", "beside another", "pip install other"),
]


def test_ways_are_gone_through_in_turn() -> None:
    order: list[str] = []

    def way(name: str, cost: float) -> float:
        order.append(name)
        return cost

    costs = alternate({"a": lambda: way("a", 1), "b": lambda: way("b", 2)}, 3)
    assert order == ["a", "b"] * 3
    assert costs.median("b") == 2
    assert costs.ratio("b", "a") == 2


def test_a_ratio_pairs_what_ran_side_by_side() -> None:
    # The machine was three times slower in the end: for both.
    assert Costs({"a": [1, 1, 3], "b": [2, 2, 6]}).ratio("b", "a") == 2


def test_a_goal_is_met_or_missed() -> None:
    assert [row.verdict for row in ROWS if isinstance(row, Measurement)] == ["met", "MISSED", ""]


def test_what_was_measured_is_written_with_the_machine(tmp_path: Path) -> None:
    table.write(tmp_path / "new" / "bench.json", ROWS, quick=True)
    result = json.loads((tmp_path / "new" / "bench.json").read_text())
    assert result["machine"]["cores"] >= 1
    assert [row.get("verdict") for row in result["measurements"]] == ["met", "MISSED", "", None]
    assert "| env | fast enough | 3 x | >= 2 | met |" in table.markdown(ROWS)
    assert "| env | no goal | 12,346 /s |" in table.markdown(ROWS)
    console = Console(record=True, width=100)
    table.show(console, ROWS)
    assert "pip install other" in console.export_text()


def test_a_society_lasts_as_long_as_is_measured() -> None:
    assert environment.rules(4, 1000).n_rounds == 7  # 160 turns a round
    for cost in (environment.world_turn, environment.aec_turn, environment.parallel_turn):
        assert 0 < cost(2, 40) < 1


def test_every_question_can_be_found_again() -> None:
    lookup = memories.Table(memories.AGENTS + 1)
    memory = memories.fill(lookup, memories.AGENTS)
    cues = [(f"social_{n}", str(n)) for n in range(memories.AGENTS)]
    recalled = memory.recall(cues)
    assert [one and one.question for one in recalled] == [question for _, question in cues]


def test_help_and_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as helped:
        cli.main(["bench", "--help"])
    assert helped.value.code == 0
    assert "--quick" in capsys.readouterr().out
    with pytest.raises(SystemExit) as wrong:
        cli.main(["bench", "--only", "everything"])
    assert wrong.value.code == 2
    assert "invalid choice: 'everything'" in capsys.readouterr().err
