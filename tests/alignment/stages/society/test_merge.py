"""Shards of a simulation, and the one that is made of them."""

import shutil
from pathlib import Path

import pytest

from social_sandbox.alignment.cli import main
from social_sandbox.alignment.stages.society.shards import in_shard

SOCIETY = (
    "policy=scripted observer=scripted embedder=hashing n_worlds=4 env.grid_size=2 env.n_rounds=1"
)
FILES = ("utterances.jsonl", "interactions.jsonl", "society.json", "population.json")


def simulate(folder: str, *more: str) -> int:
    return main(["simulate", *SOCIETY.split(), "progress=false", f"output_dir={folder}", *more])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole simulation, its three shards, and one that was played once more."""
    folder = tmp_path_factory.mktemp("played")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("WANDB_MODE", "disabled")
        assert simulate("whole") == 0
        for number in (1, 2, 3):
            assert simulate(f"part_{number}", f"shard={number}/3") == 0
        assert simulate("other", "shard=2/3", "seed=1") == 0
    return folder


@pytest.fixture
def shards(played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(played, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    return tmp_path


def test_every_world_is_in_one_shard() -> None:
    for world in range(20):
        assert [in_shard(world, f"{n}/8") for n in range(1, 9)].count(True) == 1
        assert in_shard(world, None)


def test_shards_in_any_order_make_the_whole_simulation(
    shards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["merge", "part_3", "part_1", "part_2", "output_dir=merged"]) == 0
    for name in FILES:
        merged, whole = (shards / run / "simulation" / name for run in ("merged", "whole"))
        assert merged.read_bytes() == whole.read_bytes(), name
    # The next stages go on from there, as from a simulation that was never parted.
    capsys.readouterr()
    assert simulate("merged") == 0
    assert "complete, kept" in capsys.readouterr().out
    assert main(["merge", "part_1", "part_2", "part_3", "output_dir=merged"]) == 0


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ("part_1 part_3", "merge: missing shard: 2/3"),
        ("part_1 part_2 part_3 again", "shard 2/3 is there twice, in "),
        ("part_1 other part_3", "with other settings than shard 1/3 "),
        ("whole part_1", "holds a whole simulation and no shard"),
        ("part_1 nothing", "nothing does not exist"),
        ("begun part_1 part_3", "shard 2/3 "),
        ("part_1 changed part_3", "was changed since its shard was finished"),
    ],
)
def test_what_cannot_be_merged_is_one_line(
    folders: str, message: str, shards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("again", "begun", "changed"):
        shutil.copytree(shards / "part_2", shards / name)
    record = shards / "begun" / "simulation" / "stage.json"
    record.write_text(record.read_text().replace('"complete": true', '"complete": false'))
    log = shards / "changed" / "simulation" / "interactions.jsonl"
    log.write_text(log.read_text().replace("alignment", "engagement"))
    capsys.readouterr()
    assert main(["merge", *folders.split(), "output_dir=merged"]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert not (shards / "merged" / "simulation" / "interactions.jsonl").exists()
    if "changed" not in folders:  # that is found when the worlds are read
        assert not printed.out
        assert not (shards / "merged").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("simulate shard=4/3", "shard: must be like 3/8, from 1/8 to 8/8, got '4/3'"),
        ("simulate shard=3", "shard: must be like 3/8"),
        (f"simulate {SOCIETY} shard=5/5", "shard=5/5: has no world"),
        ("run shard=1/2", "shard: is a setting of simulate alone"),
        ("merge output_dir=there", "merge: needs the folders of the shards"),
        ("merge part_1 n_worlds=3", "n_worlds=3 is no folder, and the only setting is output_dir"),
        ("merge part_1 part_9", "merge: part_9 does not exist"),
        ("merge part_1 output_dir=part_2", "part_2/simulation was made with other settings"),
    ],
)
def test_a_mistake_with_shards_is_one_line(
    arguments: str, message: str, shards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if arguments.startswith("merge part_1 output_dir"):
        arguments = arguments.replace("part_1", "part_1 part_2 part_3")
    assert main(arguments.split()) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")
