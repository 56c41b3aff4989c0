"""Trains the tiny model in two processes that share out its weights; for test_sharding."""

import dataclasses
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import DistributedType
from transformers import Trainer

from social_sandbox.alignment.cli import main as command_line
from social_sandbox.alignment.methods.stable_alignment import StableAlignment
from social_sandbox.alignment.runtime.processes import is_first
from social_sandbox.alignment.training.config import LoraConfig
from social_sandbox.alignment.training.train import train

from ..tiny import rated_groups, tiny_llama, tiny_tokenizer
from .stop_at import StopAt
from .train_in_processes import SETTINGS

STEPS = 5


def shard_on_cpus() -> None:
    """Make accelerate shard on CPUs, too: it asks for GPUs, although FSDP2 does not need them."""
    inner = Trainer.create_accelerator_and_postprocess

    def create(trainer: Any) -> None:
        PartialState(cpu=True)._shared_state["distributed_type"] = DistributedType.MULTI_GPU
        inner(trainer)

    Trainer.create_accelerator_and_postprocess = create


def run(folder: Path, lora: bool, stop: int = 0, batch_size: int = 2) -> None:
    """Train in a folder, perhaps interrupted before step `stop` and then resumed.

    Under LoRA the frozen weights are in bfloat16, and activations are computed twice.
    """
    config = dataclasses.replace(
        SETTINGS,
        batch_size=batch_size,
        max_steps=STEPS,
        save_steps=2,
        lora=LoraConfig(rank=4) if lora else None,
        gradient_checkpointing=lora,
        bf16=lora,
    )

    def once(*callbacks: Any) -> None:
        tokenizer = tiny_tokenizer()
        model = tiny_llama(len(tokenizer)).to(torch.bfloat16 if lora else torch.float32)
        method = StableAlignment(config)
        groups = rated_groups(12)
        summary = train(model, tokenizer, groups, method, folder, callbacks, progress=False)
        if is_first():
            (folder / "summary.json").write_text(json.dumps(dataclasses.asdict(summary)))

    if stop:
        with suppress(KeyboardInterrupt):
            once(StopAt(stop))
    once()


def main(folder: Path, arguments: list[str]) -> None:
    """Interrupt and resume a training of all weights, and one of adapters; export that again.

    The arguments are a command of social-sandbox, which is run first.
    """
    if "ACCELERATE_USE_FSDP" in os.environ:
        shard_on_cpus()
    if command_line(arguments):
        sys.exit(1)
    run(folder / "full", lora=False, stop=3)
    run(folder / "lora", lora=True, stop=3)
    if is_first():
        (folder / "lora" / "model").rename(folder / "lora" / "model_before")
    # As if it had been killed between its last step and its export.
    run(folder / "lora", lora=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
