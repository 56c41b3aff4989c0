"""Watching worlds that workers have not finished."""

import shutil
from pathlib import Path

import pytest

from social_sandbox.alignment.reporting.page.write import Page
from social_sandbox.alignment.show.main import main as show
from social_sandbox.envs.errors import UserError
from social_sandbox.policies.society.account import Budget, BudgetReached
from social_sandbox.policies.society.engines import simulate_worlds
from social_sandbox.policies.society.engines.under_way import (
    interaction_files,
    recorded_interactions,
)
from tests.helpers.page_data import read_chunks
from tests.helpers.villages import Village, costly


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose first world is finished and whose second one is under way, twice begun."""
    village = Village(n_worlds=3, speaker=costly)
    simulation = tmp_path / "run" / "simulation"
    for budget in (550, 650):
        with pytest.raises(BudgetReached):
            simulate_worlds(village, simulation, budget=Budget(tokens=budget))
    return tmp_path / "run"


def interactions_of(page: Page) -> int:
    """Return how many interactions a page has."""
    return len(read_chunks(page.target, "run/interactions"))


def names(run: Path) -> list[str]:
    return [each.id for each in recorded_interactions(run / "simulation")]


def test_finished_interactions_are_read_while_worlds_are_played(run: Path) -> None:
    found = names(run)
    worlds = run / "simulation" / "worlds"
    assert list(worlds.glob("world_0/finished-*"))
    assert len(list(worlds.glob("world_1/attempt-*"))) == 2
    assert len(found) == len(set(found))
    assert {name.split("/")[0] for name in found} == {"world_0", "world_1"}
    with interaction_files(run / "simulation")[-1].open("a") as file:
        file.write('{"id": "world_1/')
    assert names(run) == found


def test_what_was_watched_is_in_the_end_what_is_recorded(run: Path) -> None:
    watched = names(run)
    simulate_worlds(Village(n_worlds=3, speaker=costly), run / "simulation")
    assert set(watched) < set(names(run))
    assert not (run / "simulation" / "worlds").exists()


def test_show_and_view_read_worlds_under_way(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    n = len(names(run))
    show([str(run), "--limit", "1"])
    assert f"1 of {n} interactions" in capsys.readouterr().out
    page = Page([run], tmp_path / "page", following=True)
    assert page.update()
    assert interactions_of(page) == n
    assert not page.update()
    simulate_worlds(Village(n_worlds=3, speaker=costly), run / "simulation")
    assert page.update()
    assert interactions_of(page) == len(names(run)) == 24


def test_a_run_without_a_finished_interaction_is_shown_as_such(run: Path) -> None:
    for world in (run / "simulation" / "worlds").iterdir():
        shutil.rmtree(world)
    with pytest.raises(UserError, match=r"show: .* has no finished interaction yet"):
        show([str(run)])
