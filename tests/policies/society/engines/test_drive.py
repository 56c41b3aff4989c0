"""Worlds that worker processes of this machine play."""

import logging
from pathlib import Path

import pytest

from social_sandbox.envs import UserError
from social_sandbox.policies import simulate
from social_sandbox.policies.society.account import Budget, BudgetReached
from social_sandbox.policies.society.engines import EngineConfig, simulate_worlds
from social_sandbox.policies.society.engines.drive import check_engine
from social_sandbox.policies.society.engines.ledger import Ledger, Report
from social_sandbox.policies.society.engines.progress import WorkersProgress
from tests.helpers.villages import (
    Village,
    changes_its_mind,
    costly,
    dies_always,
    dies_once,
    full_disk_in_world_1,
)

FILES = ("utterances.jsonl", "interactions.jsonl", "society.json", "population.json")


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process writes that plays all worlds together."""
    folder = tmp_path_factory.mktemp("alone")
    village = Village(n_worlds=8)
    simulate(village.worlds(), village.population(), folder)
    return files(folder)


@pytest.mark.parametrize("workers", [None, 1, 2, 8])
def test_the_number_of_workers_changes_no_byte(
    workers: int | None, alone: dict[str, bytes], tmp_path: Path
) -> None:
    simulate_worlds(Village(n_worlds=8), tmp_path, EngineConfig(workers=workers))
    assert files(tmp_path) == alone
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((*FILES, "worlds.json"))


def test_a_killed_worker_is_replaced_and_a_sentence_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    village = Village(n_worlds=2, speaker=dies_once, folder=tmp_path)
    simulate_worlds(village, tmp_path / "run", EngineConfig(workers=2))
    simulate(village.worlds(), village.population(), tmp_path / "alone")
    assert files(tmp_path / "run") == files(tmp_path / "alone")
    lost = [record.getMessage() for record in caplog.records]
    assert len(lost) == 2
    assert (
        "was lost while it played world_0 (its process has ended, SIGKILL); a new one"
        in " ".join(lost)
    )


def test_a_world_that_kills_every_worker_ends_the_run(tmp_path: Path) -> None:
    village = Village(n_worlds=1, speaker=dies_always)
    with pytest.raises(UserError, match=r"lost 1 worker\(s\) while it played world_0"):
        simulate_worlds(village, tmp_path, EngineConfig(workers=1, losses=0))


def test_a_full_disk_is_one_line_and_nothing_is_lost(
    tmp_path: Path, alone: dict[str, bytes]
) -> None:
    village = Village(n_worlds=8, speaker=full_disk_in_world_1, folder=tmp_path)
    with pytest.raises(UserError, match=r"world_1.*: File too large") as caught:
        simulate_worlds(village, tmp_path / "run", EngineConfig(workers=2))
    assert "\n" not in str(caught.value)
    simulate_worlds(village, tmp_path / "run", EngineConfig(workers=2))
    assert (
        files(tmp_path / "run")["interactions.jsonl"].replace(b"speak", b"chatter")
        == (alone["interactions.jsonl"])
    )


def test_workers_share_one_budget_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    village = Village(n_worlds=2, speaker=costly)
    with pytest.raises(BudgetReached, match=r"budget.tokens: 1\d\d of 100"):
        simulate_worlds(village, tmp_path, EngineConfig(workers=2), budget=Budget(tokens=100))
    simulate_worlds(village, tmp_path)
    simulate(village.worlds(), village.population(), tmp_path / "alone")
    assert files(tmp_path) == files(tmp_path / "alone")


def test_one_process_goes_on_with_what_workers_have_begun_and_the_other_way_round(
    tmp_path: Path,
) -> None:
    village, little = Village(n_worlds=2, speaker=costly), Budget(tokens=150)
    first, second = tmp_path / "first", tmp_path / "second"
    with pytest.raises(BudgetReached):
        simulate_worlds(village, first, EngineConfig(workers=2), budget=little)
    simulate(village.worlds(), village.population(), first)
    with pytest.raises(BudgetReached):
        simulate(village.worlds(), village.population(), second, budget=little)
    simulate_worlds(village, second)
    assert files(first) == files(second)
    assert not (first / "worlds").exists()


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    village = Village(n_worlds=2, speaker=changes_its_mind)
    with pytest.raises(BudgetReached):
        simulate_worlds(
            Village(n_worlds=2, speaker=costly), tmp_path, None, budget=Budget(tokens=200)
        )
    said = {path: path.read_bytes() for path in (tmp_path / "worlds").glob("*/attempt-1/*.jsonl")}
    assert said
    with pytest.raises(UserError, match="another population"):
        simulate_worlds(village, tmp_path)
    assert said == {path: path.read_bytes() for path in said}


def test_people_play_in_one_process_alone() -> None:
    class Person:
        name, is_person = "Ada", True

    with pytest.raises(UserError, match=r"engine\.workers: Ada is a person"):
        check_engine({("w", "a"): Person()}, EngineConfig(workers=2))  # type: ignore[dict-item]


def test_each_worker_has_a_row() -> None:
    ledger = Ledger()
    bar = WorkersProgress(ledger, 8, 3, show=False)
    ledger.report(0, Report("world_5", 3, 18, 40))
    ledger.report(1, Report("world_6", 1, 18, 9))
    from rich.console import Console

    console = Console(width=100)
    with console.capture() as shown:
        console.print(bar.render())
    line, first, second = shown.get().splitlines()
    assert line.startswith("3/8 worlds, 4 interactions")
    assert first.split() == ["worker", "1", "world_5", "3/18", "0.0", "answers/s"]
    assert second.split()[:4] == ["worker", "2", "world_6", "1/18"]
