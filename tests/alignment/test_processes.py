import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

import social_sandbox.configs

from .train_in_processes import main

CONFIGS = Path(social_sandbox.configs.__file__).parent / "accelerate"


def two_processes(folder: Path, batch_size: int) -> None:
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
        *("-m", "tests.alignment.train_in_processes", str(folder), str(batch_size)),
    ]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    """Groups differ in size, so that a mean over processes is no mean over groups by itself."""
    two_processes(tmp_path / "two", 2)
    main(tmp_path / "one", 4)
    one, two = summary_of(tmp_path / "one"), summary_of(tmp_path / "two")
    for a, b in zip(one["log"], two["log"], strict=True):
        assert a.keys() == b.keys()
        for name in a.keys() - {"train_tokens_per_second"}:
            assert a[name] == pytest.approx(b[name], rel=1e-3, abs=1e-5), name
    assert one["tokens"] == two["tokens"]
    weights = [load_file(tmp_path / x / "model" / "model.safetensors") for x in ("one", "two")]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["ddp.yaml", "fsdp.yaml"])
def test_accelerate_accepts_the_files_that_are_shipped(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.utils import FullyShardedDataParallelPlugin

    path = CONFIGS / name
    config = load_config_from_file(str(path))
    plain = yaml.safe_load(path.read_text())
    assert config.distributed_type.value == plain["distributed_type"]
    known = FullyShardedDataParallelPlugin.__dataclass_fields__
    for setting in plain.get("fsdp_config", {}):
        own = setting.removeprefix("fsdp_")
        # These two are named otherwise where they are read from the environment.
        assert setting in known or own in known or own == "offload_params", setting
