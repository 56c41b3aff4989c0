"""Trains the tiny model, alone or as one process of several; a program for test_processes."""

import dataclasses
import json
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from social_sandbox.alignment.methods.sft import Sft
from social_sandbox.alignment.methods.society_grpo import SocietyGrpo
from social_sandbox.alignment.methods.stable_alignment import StableAlignment, StableAlignmentConfig
from social_sandbox.alignment.training.config import LoraConfig
from social_sandbox.alignment.training.method import Society
from social_sandbox.alignment.training.roles.config import read_roles
from social_sandbox.alignment.training.train import train
from social_sandbox.envs import Turn, WorldConfig
from social_sandbox.policies import Population

from ..methods import make_method
from ..tiny import rated_groups, tiny_llama, tiny_tokenizer
from .stop_at import StopAt

SETTINGS = StableAlignmentConfig(
    device="cpu",
    bf16=False,
    max_length=64,
    learning_rate=1e-2,
    max_steps=5,
    stop_nll=None,
    margin=3.0,
    ratio=3.0,
    logging_steps=1,
    packing=False,  # it is chosen by the batch, and those of two processes are smaller
)


def main(folder: Path, batch_size: int, max_steps: int = 5, save_steps: int = 100) -> None:
    """Train on 12 groups of one to six candidates, and write `summary.json`."""
    tokenizer = tiny_tokenizer()
    config = dataclasses.replace(
        SETTINGS, batch_size=batch_size, max_steps=max_steps, save_steps=save_steps
    )
    method = StableAlignment(config)
    model = tiny_llama(len(tokenizer))
    summary = train(model, tokenizer, rated_groups(12), method, folder, progress=False)
    if int(os.environ.get("RANK", "0")) == 0:
        (folder / "summary.json").write_text(json.dumps(dataclasses.asdict(summary)))


def sft(folder: Path, steps: int) -> None:
    """Train seven steps in folder / "whole", or interrupted after `steps` in folder / "cut"."""
    tokenizer = tiny_tokenizer()
    quick = {"device": "cpu", "bf16": False, "max_length": 64, "learning_rate": 1e-2}
    often = {"max_steps": 7, "batch_size": 2, "save_steps": 2, "logging_steps": 1}
    method = make_method(Sft, **quick, **often)

    def run(name: str, *callbacks: Any) -> None:
        model = tiny_llama(len(tokenizer))
        groups = rated_groups(12)
        train(model, tokenizer, groups, method, folder / name, callbacks, progress=False)

    if steps:
        with suppress(KeyboardInterrupt):
            run("cut", StopAt(steps))
        run("cut")
    else:
        run("whole")


def roles(folder: Path) -> None:
    """Train two roles in a society for two steps, a turn each, and write `summary_RANK.json`."""
    tokenizer = tiny_tokenizer()
    model = tiny_llama(len(tokenizer))
    model.config.max_position_embeddings = 512
    method = make_method(
        SocietyGrpo,
        device="cpu",
        max_length=256,
        max_new_tokens=5,
        max_steps=2,
        batch_size=4,
        generations=4,
        logging_steps=1,
        lora=LoraConfig(rank=2),
        roles=read_roles({"social": "speaker", "critic": "judge"}),
        rewards=["revision", "rise"],
    )
    players = Population(social=_listening, observer=lambda turn: 1.0 + len(turn.answer) % 6)
    society = Society(WorldConfig(grid_size=2, memory=False), players)
    groups = rated_groups(6)
    summary = train(model, tokenizer, groups, method, folder, progress=False, society=society)
    rank = os.environ.get("RANK", "0")
    (folder / f"summary_{rank}.json").write_text(json.dumps(dataclasses.asdict(summary)))


def _listening(turn: Turn) -> str | float:
    if turn.phase == "feedback":
        return 4.0
    return "i am fine" + "".join(opinion.reason for opinion in turn.opinions)


def everything(folder: Path) -> None:
    """Train all that `test_processes` compares, each in a folder of its own."""
    for size in (5, 7):
        main(folder / f"batches_of_{size}", size)
    # 12 examples, 4 a step: step 4, the last that was saved, lies amid the second epoch.
    for steps in (0, 5):
        sft(folder, steps)
    if find_spec("trl"):
        roles(folder / "roles")


if __name__ == "__main__":
    if sys.argv[1] == "all":
        everything(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
