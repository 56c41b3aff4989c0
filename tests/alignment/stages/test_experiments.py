"""Experiments: named sets of settings, chosen by `experiment=NAME`."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from social_sandbox.alignment import cli
from tests.helpers.small_job import composed, settings_of, small_job

NAMES = sorted(
    file.name.removesuffix(".yaml")
    for file in (files("social_sandbox.configs") / "experiment").iterdir()
    if file.name.endswith(".yaml")
)


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_has_settings_that_exist(name: str) -> None:
    changed = settings_of([f"experiment={name}"])
    assert changed != settings_of([])


def test_the_norms_are_rated_by_rules_beside_the_embedded_observer() -> None:
    settings = settings_of(["experiment=norms"])
    assert settings.observer["_target_"].endswith("NormsPolicy")
    assert settings.evaluate.embedded_observer


@pytest.mark.embedded
def test_the_result_of_the_norms_can_be_checked_by_eye(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    job = [o for o in small_job(tmp_path) if not o.startswith("observer=")]
    assert cli.main(["run", "experiment=norms", *job, "wandb=disabled", "output_dir=out"]) == 0
    shown = capsys.readouterr().out
    for words in (
        *("Observers' mean ratings", "Answers that follow each norm", "its parts: imitation"),
        *("Held-out answers that follow each norm", "base, rated", "by the norms: "),
        "by the embedded observer, the weaker witness",
    ):
        assert words in shown
    assert max(map(len, shown.split("by the norms: ")[0].split("Held-out")[1].split("\n"))) <= 80
    table = json.loads((tmp_path / "out/evaluation/results.json").read_text())["table"]
    report = (tmp_path / "out/report.md").read_text()
    assert "| asks_back | 0 |" in report
    # Figures and report know the observer of the run.
    assert cli.main(["figures", *job, "output_dir=out"]) == 0
    assert (tmp_path / "out/report.md").read_text() == report
    # One and the same rule rates both aspects.
    assert table["alignment"] == table["engagement"]
    assert table["embedded_alignment"] != table["alignment"]


def test_a_setting_of_the_command_line_is_stronger_than_the_experiment() -> None:
    assert settings_of(["env.n_peers=1", "experiment=norms"]).env.n_peers == 1
    scripted = settings_of(["experiment=norms", "observer=scripted"]).observer
    assert scripted == settings_of(["observer=scripted"]).observer


def test_without_an_experiment_nothing_is_added() -> None:
    assert "experiment" not in composed([])


def test_an_unknown_experiment_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "experiment=norm"]) == 2
    assert "experiment: no choice 'norm'; there are" in capsys.readouterr().err
