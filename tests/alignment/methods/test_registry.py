"""Which names are methods, and whose settings they have."""

from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment import cli
from social_sandbox.alignment.cli import help
from social_sandbox.alignment.cli.overrides import hydra_overrides
from social_sandbox.alignment.method import Method as Exported
from social_sandbox.alignment.methods import (
    METHODS,
    config_class,
    find_method,
    method_name,
    registry,
)
from social_sandbox.alignment.methods.sft import Sft, SftConfig
from social_sandbox.alignment.training.config import TrainingConfig
from social_sandbox.alignment.training.method import Method
from social_sandbox.envs.errors import UserError
from tests.helpers.small_job import settings_of, small_job

CONFIGS = Path(__file__).parents[3] / "configs" / "method"


@dataclass(frozen=True, kw_only=True)
class MineConfig(SftConfig):
    """Settings of a method of another package."""

    learning_rate: float = 3e-5
    kindness: float = 0.5


@dataclass(frozen=True)
class Mine(Sft):
    """A method of another package."""

    config: MineConfig


class Unannotated(Sft):
    """A method whose settings have the wrong type."""

    config: int  # type: ignore[assignment]


PATH = f"{__name__}.Mine"


@pytest.fixture
def entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that a package is installed which adds the method `mine`."""
    points = [
        EntryPoint("mine", f"{__name__}:Mine", registry.GROUP),
        EntryPoint("broken", "nowhere:Method", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    monkeypatch.setattr(help, "entry_points", lambda group: points)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_found_by_its_name_and_has_a_file_of_settings(name: str) -> None:
    assert method_name(find_method(name)) == name
    assert issubclass(config_class(find_method(name)), TrainingConfig)
    assert (CONFIGS / f"{name}.yaml").exists()


def test_a_method_of_another_package_is_found_by_its_path() -> None:
    assert find_method(PATH) is Mine
    assert method_name(Mine) == PATH
    assert config_class(Mine) is MineConfig


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ppo", r"no method 'ppo'; choose from .*sft"),
        ("nowhere.Method", r"cannot import nowhere\.Method"),
        ("pathlib.Path", "pathlib.Path is not a subclass of .*Method"),
    ],
)
def test_a_name_without_a_method_is_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        find_method(name)


def test_a_method_needs_a_type_of_settings() -> None:
    with pytest.raises(UserError, match="type of config must be a subclass of TrainingConfig"):
        config_class(Unannotated)


def test_the_contract_is_exported_under_the_name_that_other_packages_import() -> None:
    assert Exported is Method


@pytest.mark.usefixtures("entry_point")
def test_a_method_of_an_installed_package_is_chosen_by_its_name() -> None:
    registry.register("mine")
    method = settings_of(["method=mine", "method.kindness=0.7", "seed=3"]).method
    assert isinstance(method, Mine)
    assert (method.config.kindness, method.config.learning_rate) == (0.7, 3e-5)
    assert method.config.seed == 3
    # The same method by its path is the same run.
    target = f"method._target_={PATH}"
    overrides = hydra_overrides("align", [target, "method.kindness=0.7", "seed=3"])
    same = settings_of(overrides).method
    assert asdict(same) == asdict(method)


@pytest.mark.usefixtures("entry_point")
def test_help_shows_the_settings_of_a_method_of_an_installed_package(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["align", "--help", "method=mine"]) == 0
    shown = capsys.readouterr().out
    assert "A method of another package." in shown
    assert "method.kindness=0.5\n      Of type float.\n" in shown
    assert "method.learning_rate=3e-05\n      Peak learning rate" in shown
    assert "method.seed=${seed}\n" in shown
    assert "method.lora=null\n" in shown
    assert "method.margin" not in shown


def test_help_and_registry_read_the_same_entry_points() -> None:
    assert help.METHODS_GROUP == registry.GROUP


@pytest.mark.usefixtures("entry_point")
@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["method=mine", "method.kindnes=1"],
            "method.kindnes: no such setting of method=mine; did you mean 'method.kindness'?",
        ),
        ([f"method._target_={PATH}", "method.kindnes=1"], f"no such setting of {PATH}"),
        (["method=mine", "method.batch_size=0"], "method.batch_size: must be at least 1, got 0"),
        (["method=broken"], "method broken: cannot import nowhere.Method"),
        (["method=value_head"], "a command of its own now: social-sandbox observer"),
    ],
)
def test_an_error_about_a_method_is_one_line(
    overrides: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    job = small_job(tmp_path)
    capsys.readouterr()
    assert cli.main(["align", *job, *overrides]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("entry_point")
def test_a_method_of_an_installed_package_trains(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    job = [*small_job(tmp_path), "wandb=disabled"]
    assert cli.main(["run", *job, "method=mine"]) == 0
    assert Path("runs/default/alignment/model/model.safetensors").exists()
