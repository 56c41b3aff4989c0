import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from social_sandbox.alignment.data.groups import write_groups
from social_sandbox.alignment.training.weights.export import check_sharding
from social_sandbox.envs.errors import UserError
from tests.helpers.programs.train_sharded import run
from tests.helpers.small_job import small_job
from tests.helpers.tiny import rated_groups

TRAINING = "tests.helpers.programs.train_sharded"
"""The program that every process runs."""

FSDP = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
}
ZERO = {
    "DS_ACCELERATOR": "cpu",
    "ACCELERATE_USE_DEEPSPEED": "true",
    "ACCELERATE_GRADIENT_CLIPPING": "auto",
    "ACCELERATE_DEEPSPEED_OFFLOAD_OPTIMIZER_DEVICE": "none",
    "ACCELERATE_DEEPSPEED_OFFLOAD_PARAM_DEVICE": "none",
}
# What `accelerate launch` tells the processes that it starts, by way of sharing out.
ENVIRONMENTS = {
    "fsdp2": FSDP,
    "zero2": {**ZERO, "ACCELERATE_DEEPSPEED_ZERO_STAGE": "2"},
    "zero3": {
        **ZERO,
        "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3",
        "ACCELERATE_DEEPSPEED_ZERO3_INIT": "true",
        "ACCELERATE_DEEPSPEED_ZERO3_SAVE_16BIT_MODEL": "true",
    },
}


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train all that the tests compare in one launch: starting it takes longer than training."""
    if request.param.startswith("zero"):
        pytest.importorskip("deepspeed")
    folder = tmp_path_factory.mktemp(request.param)
    write_groups(folder / "groups.jsonl", rated_groups(12))
    job = [
        *("align", "wandb=disabled", *small_job(folder), "method.lora={rank: 4}"),
        *(f"groups={folder / 'groups.jsonl'}", f"output_dir={folder / 'run'}"),
    ]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [sys.executable, *launcher, "-m", TRAINING, str(folder), *job],
        cwd=Path(__file__).parents[4],
        env={
            **os.environ,
            **ENVIRONMENTS[request.param],
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_file(folder / "model" / "model.safetensors"))


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def test_the_command_line_aligns_adapters_of_sharded_weights(trained: Path) -> None:
    """The weights are read by the first process, which gives the others their shares."""
    folder = trained / "run" / "alignment"
    record = json.loads((folder / "stage.json").read_text())
    assert record["complete"]
    assert record["summary"]["steps"] == 2
    base = load_file(trained / "tiny" / "model.safetensors")
    aligned = load_file(folder / "model" / "model.safetensors")
    assert aligned.keys() == base.keys()
    # DeepSpeed reads all weights in the type in which it computes.
    rounded = trained.name.startswith("zero")
    for name in (name for name in base if "_proj" not in name):
        kept = base[name].bfloat16().float() if rounded else base[name]
        assert torch.equal(aligned[name], kept), name
    for name in (name for name in base if "_proj" in name):
        assert not torch.equal(aligned[name], aligned[name].bfloat16().float()), name


@pytest.mark.parametrize("name", ["full", "lora"])
def test_two_processes_that_share_out_the_weights_train_as_one_does(
    tmp_path: Path, trained: Path, name: str
) -> None:
    """The two were interrupted and went on from their checkpoint."""
    run(tmp_path, name == "lora", batch_size=4)
    one, two = weights_of(tmp_path), weights_of(trained / name)
    assert one.keys() == two.keys()
    # In bfloat16 each process rounds the gradients of its own examples.
    tolerance = {"rtol": 0.1, "atol": 2e-2} if name == "lora" else {"rtol": 1e-3, "atol": 2e-4}
    for key, value in one.items():
        torch.testing.assert_close(value, two[key], msg=key, **tolerance)
    losses = [[row["loss"] for row in summary_of(x)["log"]] for x in (tmp_path, trained / name)]
    assert losses[0] == pytest.approx(losses[1], rel=2e-2 if name == "lora" else 1e-3)


def test_a_sharded_run_that_was_killed_before_its_export_is_exported(trained: Path) -> None:
    one = weights_of(trained / "lora")
    before = load_file(trained / "lora" / "model_before" / "model.safetensors")
    for key, value in one.items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=1e-6, msg=key)
    assert summary_of(trained / "lora")["steps"] == 5


def test_an_exported_sharded_model_is_like_one_that_was_never_sharded(trained: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(trained / "lora" / "model")
    assert model.config.architectures == ["LlamaForCausalLM"]
    assert model.dtype == torch.float32
    from peft import PeftModel

    tokenizer = AutoTokenizer.from_pretrained(trained / "lora" / "adapter")
    assert tokenizer.eos_token == "<|end|>"
    from tests.helpers.tiny import tiny_llama

    base = tiny_llama(len(tokenizer)).to(torch.bfloat16).float()
    adapted = PeftModel.from_pretrained(base, trained / "lora" / "adapter")
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        torch.testing.assert_close(adapted(ids).logits, model(ids).logits, rtol=1e-4, atol=1e-5)


def test_adapters_are_refused_with_the_first_version_of_fsdp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.delenv("FSDP_VERSION", raising=False)
    with pytest.raises(UserError, match="fsdp_version: 2"):
        check_sharding(lora=True)
    check_sharding(lora=False)
    monkeypatch.setenv("FSDP_VERSION", "2")
    check_sharding(lora=True)
