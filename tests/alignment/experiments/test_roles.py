"""The experiment `roles`: adapters that are swapped between roles, and shared."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from social_sandbox.alignment import cli
from social_sandbox.alignment.experiments.experiment import SCALES, Cell
from social_sandbox.alignment.experiments.paper import roles
from social_sandbox.alignment.stages import compose_settings
from social_sandbox.envs import World, WorldConfig
from social_sandbox.envs.rules.interactions import Answer, write_interactions
from social_sandbox.policies import ScriptedPolicy, rollout
from tests.helpers.small_job import small_job
from tests.helpers.tiny import save_tiny_model

pytest.importorskip("peft")


@pytest.mark.parametrize("scale", SCALES)
def test_every_setting_is_a_command_line(scale: str) -> None:
    players = {}
    for setting in roles.EXPERIMENT.settings_at(scale):  # type: ignore[arg-type]
        own = ("experiment=roles", f"scale={scale}", *setting.overrides, "output_dir=here")
        settings = compose_settings(*own)
        assert settings.population is not None
        players[setting.name] = [entry.get("adapter") for entry in settings.population]
    adapters = "here/alignment/adapters"
    assert players["per_role"] == [f"{adapters}/speaker", f"{adapters}/critic"]
    assert players["swapped"] == players["per_role"][::-1]
    assert players["shared"] == [f"{adapters}/shared"] * 2
    assert players["untrained"] == [None, None]


def test_drafts_revisions_and_feedback_are_measured(tmp_path: Path) -> None:
    world = World(WorldConfig(grid_size=2, n_rounds=1, memory=False))
    played = [
        replace(one, draft=Answer("No."), revision=Answer("Why now?"))
        for one in rollout([world], ScriptedPolicy())
    ]
    (tmp_path / "simulation").mkdir()
    write_interactions(tmp_path / "simulation" / "interactions.jsonl", played)
    measured = roles.measure(Cell(tmp_path, ("asks_back",)))
    assert set(measured["drafts"].values()) == {0.0}
    assert set(measured["revisions"].values()) == {1.0}
    assert set(measured["rated"].values()) == {1.0}
    assert all(0 <= value <= 1 for value in measured["agreement"].values())
    assert "tokens" not in measured


def test_a_tiny_society_makes_the_table_and_the_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    roomy = save_tiny_model(tmp_path / "roomy", 1024)
    left_out = ("observer=", "progress=", "n_worlds=", "base_model=", "method.max_length=")
    job = [o for o in small_job(tmp_path) if not o.startswith(left_out)]
    assert (
        cli.main(
            [
                *("reproduce", "roles", "settings=[per_role,swapped]", "seeds=[0]", *job),
                *(f"base_model={roomy}", "method.max_length=512", "env.n_rounds=1"),
                *("wandb=disabled", "progress=false", "output_dir=out"),
            ]
        )
        == 0
    )
    table = json.loads((tmp_path / "out/table.json").read_text())
    rows = {row["setting"]: row["measures"] for row in table["rows"]}
    assert set(rows) == {"per_role", "swapped"}
    assert {"revisions", "agreement", "rise", "tokens"} <= rows["swapped"].keys()
    assert (tmp_path / "out/figure.png").exists()
    cell = tmp_path / "out/cells/asks_back+brief/per_role/seed_0"
    # Adapters of a measured cell would fill the disk.
    assert not (cell / "alignment/adapters").exists()
    figure = Figure()
    roles.draw(figure, table["rows"])
    assert len(figure.axes) == 3
