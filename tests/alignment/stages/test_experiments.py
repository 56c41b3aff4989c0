"""Experiments: named sets of settings, chosen by `experiment=NAME`."""

from importlib.resources import files

import pytest

from social_sandbox.alignment import cli
from tests.helpers.small_job import composed, settings_of

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


def test_a_setting_of_the_command_line_is_stronger_than_the_experiment() -> None:
    assert settings_of(["env.n_peers=1", "experiment=norms"]).env.n_peers == 1
    scripted = settings_of(["experiment=norms", "observer=scripted"]).observer
    assert scripted == settings_of(["observer=scripted"]).observer


def test_without_an_experiment_nothing_is_added() -> None:
    assert "experiment" not in composed([])


def test_an_unknown_experiment_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "experiment=norm"]) == 2
    assert "experiment: no choice 'norm'; there are" in capsys.readouterr().err
