from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from social_sandbox.alignment.speed.scale.models import random_model
from social_sandbox.alignment.training.batches.batching import Batch, GroupCollator
from social_sandbox.alignment.training.batches.encoding import IGNORED, Encoded, EncodedGroup
from social_sandbox.alignment.training.loss.response_likelihood import ResponseLikelihood
from social_sandbox.alignment.training.memory.gpu_memory import (
    Step,
    activation_bytes,
    expected_memory,
)
from social_sandbox.alignment.training.memory.model_shape import SHAPES, ModelShape
from social_sandbox.alignment.training.memory.table import main
from social_sandbox.envs.errors import UserError
from tests.helpers.live_bytes import LiveBytes
from tests.helpers.tiny import save_tiny_model

RANK = 16


def shape(layers: int = 4, key_value_heads: int = 2) -> ModelShape:
    return ModelShape(
        hidden=256,
        layers=layers,
        heads=4,
        key_value_heads=key_value_heads,
        head_size=64,
        intermediate=768,
        vocabulary=2048,
        tied=True,
    )


def model_of(sizes: ModelShape, step: Step) -> Any:
    dtype = torch.float32 if step.lora_rank is None else torch.bfloat16
    model = random_model(sizes, torch.device("cpu"), dtype)
    if step.lora_rank is not None:
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(r=step.lora_rank, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, config)
    if step.checkpointing:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    return model.train()


def batch_of(step: Step) -> Batch:
    """Rows whose second half is learnt."""
    half = step.length // 2
    row = Encoded(tuple(range(2 * half)), (IGNORED,) * half + tuple(range(half)), truncated=False)
    return GroupCollator(0)([EncodedGroup((row,) * step.rows, (1.0,) * step.rows)])


def nll_of(model: Any, batch: Batch, step: Step) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return ResponseLikelihood(model, step.logits_chunk)(model, batch).nll.mean()


def bytes_of(tensors: Iterable[torch.Tensor]) -> int:
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())


def measured_peak(sizes: ModelShape, step: Step) -> int:
    model, batch = model_of(sizes, step), batch_of(step)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, fused=True)

    def train() -> None:
        nll_of(model, batch, step).backward()
        optimizer.step()
        optimizer.zero_grad()

    train()  # the state of the optimiser is made
    moments = [v for of in optimizer.state.values() for v in of.values() if v.dim()]
    with LiveBytes(bytes_of([*model.parameters(), *moments])) as live:
        train()
    return live.peak


@pytest.mark.parametrize("rows", [1, 8])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("rank", [None, RANK])
def test_the_expected_peak_is_that_of_a_step(
    rank: int | None, checkpointing: bool, rows: int
) -> None:
    step = Step(rows=rows, length=128, lora_rank=rank, checkpointing=checkpointing)
    expected = expected_memory(shape(), step).peak
    assert measured_peak(shape(), step) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("key_value_heads", [2, 4])
@pytest.mark.parametrize("rank", [None, RANK])
def test_a_layer_keeps_as_many_bytes_as_the_formula_says(
    rank: int | None, key_value_heads: int
) -> None:
    step = Step(rows=4, length=128, lora_rank=rank)
    kept = []
    for layers in (1, 2):
        sizes = shape(layers, key_value_heads)
        model = model_of(sizes, step)
        own = {p.untyped_storage().data_ptr() for p in model.parameters()}
        storages: list[Any] = []

        def keep(tensor: torch.Tensor, into: list[Any] = storages) -> torch.Tensor:
            into.append(tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            nll_of(model, batch_of(step), step)
        kept.append(bytes_of(t for t in storages if t.untyped_storage().data_ptr() not in own))
    sizes = shape(1, key_value_heads)
    copies = sizes.layer_products if rank is None else sizes.adapter_parameters(rank)
    a_position = (kept[1] - kept[0] - 2 * copies) / (step.rows * step.length)
    assert a_position == pytest.approx(activation_bytes(sizes, rank), rel=0.02)


def test_sharing_out_divides_what_is_shared_out() -> None:
    step = Step(rows=4, checkpointing=True)
    one = expected_memory(SHAPES["7b"], step)
    stage_2 = expected_memory(SHAPES["7b"], step, 8, "zero2")
    full = expected_memory(SHAPES["7b"], step, 8, "full")
    assert stage_2.weights == (2 + 4 / 8) * SHAPES["7b"].parameters
    assert stage_2.optimiser == full.optimiser == one.optimiser / 8
    assert full.weights == one.weights / 8
    assert full.peak < stage_2.peak < one.peak
    # 4 bytes of weights, 4 of gradients and 8 of the optimiser's state.
    assert one.weights + one.gradients + one.optimiser == 16 * SHAPES["7b"].parameters


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["7b", "70b", "--gpus", "1", "8"])
    printed = capsys.readouterr().out
    assert "LoRA" in printed
    assert "70b" in printed


def test_the_command_reads_the_shape_of_a_model_in_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = save_tiny_model(tmp_path / "model")
    main([str(folder), "--gpus", "2"])
    assert "2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["7b", "--gpus", "0"], "--gpus must be at least 1"),
        (["./nothing"], "model: "),
        (["--rank", "x"], "rank"),
    ],
)
def test_wrong_arguments_are_one_line(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        main(arguments)
