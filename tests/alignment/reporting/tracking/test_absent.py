"""wandb that is not asked for, not there, or somebody else's."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb

from social_sandbox.alignment.reporting.tracking.config import WandbConfig
from social_sandbox.alignment.reporting.tracking.run import of_run, tracked
from social_sandbox.envs import UserError


@pytest.fixture(autouse=True)
def nobody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def own_run(tmp_path: Path) -> Iterator[Any]:
    """A run that a script has made before it calls this package."""
    run = wandb.init(mode="offline", project="mine", dir=tmp_path)
    yield run
    run.finish()


def around(folder: Path, **settings: Any) -> Any:
    return tracked(folder, WandbConfig(**settings), {"seed": 1}, "align", "abc")


def test_without_a_key_nothing_of_wandb_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    for mode in ("auto", "disabled"):
        with around(tmp_path, mode=mode) as run:
            assert run is None


def test_wandb_that_is_asked_for_and_not_installed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r"wandb\.mode=offline: wandb cannot be imported"):
        around(tmp_path, mode="offline").__enter__()
    # A key alone asks less than a setting: the run goes on.
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    with around(tmp_path) as run:
        assert run is None
    assert "nothing is logged" in caplog.text


def test_online_without_a_key_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"wandb\.mode=online: .*wandb login"):
        around(tmp_path, mode="online").__enter__()


def test_a_scripts_own_run_is_left_alone(tmp_path: Path, own_run: Any) -> None:
    with around(tmp_path / "out", mode="offline") as run:
        assert run.id != own_run.id
        assert wandb.run is own_run
        assert of_run(run)["command"] == "align abc"
        run.log({"train/loss": 1.0})
    assert wandb.run is own_run
    own_run.log({"x": 1})
    assert "train/loss" not in dict(own_run.summary)
    assert "WANDB_DATA_DIR" not in os.environ


def test_a_scripts_own_run_is_logged_into_where_this_is_wanted(
    tmp_path: Path, own_run: Any
) -> None:
    with around(tmp_path / "out", mode="offline", use_active=True) as run:
        assert run is own_run
        assert of_run(run)["id"] == own_run.id
    own_run.log({"x": 1})


def test_a_sweep_that_gives_no_id_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    with around(tmp_path, mode="offline") as run:
        assert of_run(run)["id"] == run.id
