from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from social_sandbox.alignment.runtime.stage import Summary, is_complete, run_stage, weights_hash
from social_sandbox.envs import UserError


class Stage:
    """Counts its work; may fail in the middle."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.times, self.fails, self.refuses = folder, 0, False, False
        self.made: str | None = None

    def run(self, overwrite: bool = False, **settings: object) -> Summary:
        def work(folder: Path) -> tuple[Summary, str]:
            self.times += 1
            (folder / "file").write_text("made")
            if self.fails:
                raise RuntimeError
            return {"times": self.times}, "made"

        def prepare():  # type: ignore[no-untyped-def]
            if self.refuses:
                raise UserError("no such model")
            return work

        console = Console(file=StringIO())
        summary, self.made = run_stage(
            self.folder, settings, prepare, overwrite=overwrite, console=console
        )
        return summary


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "stage")


def test_a_complete_stage_is_not_run_again(stage: Stage) -> None:
    assert stage.run(a=1) == stage.run(a=1) == {"times": 1}
    assert stage.times == 1


def test_a_stage_returns_what_it_made_unless_it_was_complete(stage: Stage) -> None:
    stage.run(a=1)
    assert stage.made == "made"
    stage.run(a=1)
    assert stage.made is None


def test_an_interrupted_stage_is_run_again_over_what_it_left(stage: Stage) -> None:
    stage.fails = True
    with pytest.raises(RuntimeError):
        stage.run(a=1)
    assert not is_complete(stage.folder)
    stage.fails = False
    assert stage.run(a=1) == {"times": 2}
    assert is_complete(stage.folder)


def test_other_settings_are_refused_and_named(stage: Stage) -> None:
    stage.run(env={"grid_size": 4, "seed": 1})
    with pytest.raises(UserError, match=r"other settings \(env.grid_size: 4, now 6\)"):
        stage.run(env={"grid_size": 6, "seed": 1})
    assert stage.times == 1


def test_what_differs_in_a_list_is_named_by_its_place(stage: Stage) -> None:
    players = [{"select": "social_*", "policy": "huggingface"}, {"select": "observer_0"}]
    stage.run(population=players)
    with pytest.raises(UserError, match=r"\(population.0.select: social_\*, now social_1\)"):
        stage.run(population=[players[0] | {"select": "social_1"}, players[1]])


def test_overwrite_replaces_what_was_made_with_other_settings(stage: Stage) -> None:
    stage.run(a=1)
    (stage.folder / "old").touch()
    stage.run(a=2, overwrite=True)
    assert not (stage.folder / "old").exists()
    assert stage.times == 2


def test_overwrite_removes_nothing_when_a_setting_is_wrong(stage: Stage) -> None:
    stage.run(a=1)
    stage.refuses = True
    with pytest.raises(UserError, match="no such model"):
        stage.run(a=2, overwrite=True)
    assert (stage.folder / "file").exists()
    assert is_complete(stage.folder)


def test_weights_are_known_by_all_their_shards_and_an_adapter_by_its_settings(
    tmp_path: Path,
) -> None:
    assert weights_hash(str(tmp_path)) is None
    (tmp_path / "model-00001-of-00002.safetensors").write_bytes(b"one")
    alone = weights_hash(str(tmp_path))
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(b"two")
    both = weights_hash(str(tmp_path))
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(b"other")
    assert len({alone, both, weights_hash(str(tmp_path))}) == 3
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes(b"low rank")
    (adapter / "adapter_config.json").write_text('{"lora_alpha": 16}')
    before = weights_hash(str(adapter))
    (adapter / "adapter_config.json").write_text('{"lora_alpha": 32}')
    assert weights_hash(str(adapter)) != before
