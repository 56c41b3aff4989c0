import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import Trainer

import social_sandbox.configs
from social_sandbox.alignment.training.weights.checkpoints import last_checkpoint
from tests.helpers.programs.train_in_processes import main
from tests.helpers.small_job import small_job

CONFIGS = Path(social_sandbox.configs.__file__).parent / "accelerate"


def torchrun(command: list[str]) -> subprocess.CompletedProcess[str]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, *launcher, *command],
        cwd=Path(__file__).parents[3],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train all that the tests compare in one launch: starting it takes longer than training."""
    folder = tmp_path_factory.mktemp("two")
    done = torchrun(["-m", "tests.helpers.programs.train_in_processes", "all", str(folder)])
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_the_command_line_aligns_in_two_processes(tmp_path: Path) -> None:
    from social_sandbox.alignment.data.groups import write_groups
    from tests.helpers.tiny import rated_groups

    groups = tmp_path / "groups.jsonl"
    write_groups(groups, rated_groups(12))
    job = [*small_job(tmp_path), f"groups={groups}", f"output_dir={tmp_path / 'run'}"]
    done = torchrun(["-m", "tests.helpers.programs.twice", "align", "wandb=disabled", *job])
    assert done.returncode == 0, done.stderr[-3000:]
    # One process of the two speaks, in each of the two runs.
    assert done.stdout.count(" in 2 steps") == 2
    assert done.stdout.count("complete, kept") == 1
    record = json.loads((tmp_path / "run" / "alignment" / "stage.json").read_text())
    assert record["complete"]
    assert record["summary"]["steps"] == 2
    assert (tmp_path / "run" / "alignment" / "model" / "model.safetensors").exists()


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def test_roles_train_in_two_processes_and_the_log_is_about_the_rows_of_both(trained: Path) -> None:
    pytest.importorskip("trl")
    folder = trained / "roles"
    logs = [json.loads((folder / f"summary_{rank}.json").read_text())["log"] for rank in range(2)]
    for log in logs:
        social, critic = (row for row in log if "reward" in row)
        # TRL takes its mean over the rows of all processes.
        assert social["roles/social/reward"] == pytest.approx(social["reward"], abs=1e-6)
        assert critic["roles/critic/reward"] == pytest.approx(critic["reward"], abs=1e-6)
    assert {path.name for path in (folder / "adapters").iterdir()} == {"speaker", "judge"}


@pytest.mark.parametrize("size", [5, 7])
def test_two_processes_train_as_one_does(tmp_path: Path, trained: Path, size: int) -> None:
    """Groups differ in size, so that a mean over processes is no mean over groups by itself.

    Of 20 parts of groups batches of 7 leave six over: one process has them, the other nothing.
    """
    folders = (tmp_path, trained / f"batches_of_{size}")
    main(folders[0], 2 * size)
    one, two = map(summary_of, folders)
    for a, b in zip(one["log"], two["log"], strict=True):
        assert a.keys() == b.keys()
        # A filler is a token: of batches of 7 every other step has 8.
        fillers = 8 * (a["step"] // 2) if size == 7 else 0
        assert a.get("num_input_tokens_seen", 0) + fillers == b.get(
            "num_input_tokens_seen", fillers
        )
        timed = {"train_runtime", "train_tokens_per_second"}
        for name in a.keys() - timed - {"num_input_tokens_seen"}:
            assert a[name] == pytest.approx(b[name], rel=1e-3, abs=1e-5), name
    assert one["tokens"] + (16 if size == 7 else 0) == two["tokens"]
    weights = [load_file(folder / "model" / "model.safetensors") for folder in folders]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=1e-3, atol=1e-4)


def test_a_run_that_is_killed_ends_with_the_weights_of_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    settings = (2, 80, 3)  # batch size, steps, steps between checkpoints
    command = [sys.executable, "-m", "tests.helpers.programs.train_in_processes", str(cut)]
    child = subprocess.Popen(
        [*command, *map(str, settings)],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = monotonic() + 240
    while last_checkpoint(cut / "checkpoints") is None and monotonic() < until:
        sleep(0.01)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (cut / "model").exists()
    checkpoint = last_checkpoint(cut / "checkpoints")
    assert checkpoint is not None
    at = int(checkpoint.name.removeprefix("checkpoint-"))
    began: list[int] = []
    inner = Trainer._load_from_checkpoint

    def load(trainer: Any, path: str, *rest: Any) -> None:
        began.append(int(path.rpartition("-")[2]))
        inner(trainer, path, *rest)

    monkeypatch.setattr(Trainer, "_load_from_checkpoint", load)
    main(cut, *settings)
    assert began == [at]
    assert at > 0
    main(whole, *settings)
    weights = [load_file(x / "model" / "model.safetensors") for x in (cut, whole)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    losses = [[row["loss"] for row in summary_of(x)["log"]] for x in (cut, whole)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 80


def test_two_processes_resume_in_the_order_of_the_epoch_that_they_left(trained: Path) -> None:
    weights = [load_file(trained / x / "model" / "model.safetensors") for x in ("whole", "cut")]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=0, atol=1e-6, msg=name)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_accelerate_accepts_the_files_that_are_shipped(path: Path) -> None:
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.commands.launch import launch_command_parser
    from accelerate.utils import FullyShardedDataParallelPlugin

    config = load_config_from_file(str(path))
    plain = yaml.safe_load(path.read_text())
    assert config.distributed_type.value == plain["distributed_type"]
    settings = FullyShardedDataParallelPlugin.__dataclass_fields__
    for setting in plain.get("fsdp_config", {}):
        short = setting.removeprefix("fsdp_")
        # These two are named otherwise where they are read from the environment.
        assert setting in settings or short in settings or short == "offload_params", setting
    options = vars(launch_command_parser().parse_args(["program"]))
    assert plain.get("deepspeed_config", {}).keys() <= options.keys()
