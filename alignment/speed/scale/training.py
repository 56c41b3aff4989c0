"""Steps of Stable Alignment and of TRL's DPO with a random model, on the same texts."""

import random
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Literal

import torch
from transformers import PrinterCallback, TrainerCallback

from social_sandbox.envs.text.messages import Message

from ...data.groups import Candidate, RatedGroup
from ...methods.dpo import Dpo, DpoConfig
from ...methods.stable_alignment import StableAlignment, StableAlignmentConfig
from ...runtime.peak_memory import peak_bytes, reset_peak
from ...training.arguments import training_arguments
from ...training.batches.encoding import encode
from ...training.config import LoraConfig
from ...training.memory.model_shape import ModelShape
from ...training.method import Job, Method
from ...training.weights.lora import lora_config
from .machine import synchronise
from .models import byte_tokenizer, random_model

FIRST = 2
"""Steps before the clock starts, in which kernels are chosen and the state of Adam is made."""
RATINGS = (6.0, 4.0, 2.0)
"""Ratings of the candidates of every group."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a step reads.

    Attributes:
        groups: Groups of a step.
        prompt: Characters of a prompt, each of which is a token.
        response: Characters of a response.
        steps: Steps that are timed.
    """

    groups: int
    prompt: int
    response: int
    steps: int

    @property
    def length(self) -> int:
        """Tokens of a prompt and its response at most, with headings and the end of the turn."""
        return self.prompt + self.response + 128


@dataclass(frozen=True, slots=True)
class Way:
    """How a model is trained.

    Attributes:
        method: This project's Stable Alignment, or TRL's DPO on the best and the worst response.
        lora: Whether adapters are trained beside frozen weights in bfloat16; else all weights.
        checkpointing: Whether activations are computed once more instead of being kept.
    """

    method: Literal["stable_alignment", "dpo"]
    lora: bool
    checkpointing: bool

    def __str__(self) -> str:
        """Return how the table names the way."""
        weights = "LoRA" if self.lora else "all weights"
        return f"{self.method}, {weights}{', checkpointed' if self.checkpointing else ''}"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the timed steps came to.

    Attributes:
        seconds: Seconds of all timed steps.
        tokens: Tokens of prompts and responses; a prompt counts once for each of its responses.
        operations: Floating-point operations that the training needs, without any that are done
            twice to save memory.
        positions: Positions of a step, padding included.
        bytes: Peak memory: of the GPU with the model; on CPUs what the process took beside it.
    """

    seconds: float
    tokens: int
    operations: float
    positions: int
    bytes: int


def rated_groups(load: Load) -> list[RatedGroup]:
    """Return groups of random letters for the warm-up and the timed steps."""
    letters = random.Random(0)

    def text(length: int) -> str:
        return "".join(letters.choices(string.ascii_lowercase, k=length))

    return [
        RatedGroup(
            id=f"group_{number}",
            kind="speed",
            prompt=(Message("user", text(load.prompt)),),
            candidates=tuple(Candidate(text(load.response), rating) for rating in RATINGS),
        )
        for number in range((FIRST + load.steps) * load.groups)
    ]


def measure(shape: ModelShape, way: Way, load: Load, device: torch.device) -> Measured:
    """Train a random model for a few steps.

    Raises:
        torch.OutOfMemoryError: The device has too little memory.
    """
    dtype = torch.bfloat16 if way.lora else torch.float32
    model = random_model(shape, device, dtype)
    tokenizer = byte_tokenizer(shape.vocabulary)
    groups = rated_groups(load)
    reset_peak()
    before = 0 if device.type == "cuda" else peak_bytes(device.type)
    clock = _Clock(device)
    with TemporaryDirectory() as folder:
        trainer = _trainer(model, tokenizer, groups, way, load, Path(folder), clock)
        trainer.remove_callback(PrinterCallback)
        models = (trainer.model, getattr(trainer, "ref_model", None))
        with _positions([each for each in models if each is not None], clock) as positions:
            trainer.train()
    if clock.start is None:
        raise RuntimeError("no step was timed")
    timed = groups[FIRST * load.groups :]
    tokens, predicted = _tokens(tokenizer, timed, way, load)
    # A backward pass takes as many operations as a forward pass for the gradients of activations,
    # and as many again for those of trained weights.
    trained = shape.forward_operations(positions.trained, load.length // 2, predicted)
    read = shape.forward_operations(positions.read, load.length // 2, predicted)
    backward = 1 if way.lora else 2
    return Measured(
        seconds=clock.end - clock.start,
        tokens=tokens,
        operations=(1 + backward) * trained + (read if positions.read else 0.0),
        positions=positions.trained // load.steps,
        bytes=peak_bytes(device.type) - before,
    )


class _Clock(TrainerCallback):  # type: ignore[misc]
    """Records when the first steps and the last step ended."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.start: float | None = None
        self.end = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Record the time."""
        if state.global_step == FIRST or state.global_step == state.max_steps:
            synchronise(self.device)
        self.end = perf_counter()
        if state.global_step == FIRST:
            self.start = self.end


@dataclass
class _Positions:
    """Positions that went through the model while the clock ran."""

    trained: int = 0
    read: int = 0


@contextmanager
def _positions(models: Sequence[Any], clock: _Clock) -> Iterator[_Positions]:
    """Count the positions, padding included, that go through models while in the context."""
    counted = _Positions()

    def count(module: Any, args: Any, kwargs: Any) -> None:
        ids = kwargs.get("input_ids", args[0] if args else None)
        if clock.start is None or ids is None:
            return
        if torch.is_grad_enabled():
            counted.trained += ids.numel()
        else:
            counted.read += ids.numel()

    whole = [m.get_base_model() if hasattr(m, "get_base_model") else m for m in models]
    handles = [model.register_forward_pre_hook(count, with_kwargs=True) for model in whole]
    try:
        yield counted
    finally:
        for handle in handles:
            handle.remove()


def _tokens(tokenizer: Any, groups: Sequence[RatedGroup], way: Way, load: Load) -> tuple[int, int]:
    """Return how many tokens a way reads, and how many of them are learnt."""
    step = 2 if way.method == "dpo" else 1
    rows = [
        encode(tokenizer, group.prompt, candidate.text, load.length)
        for group in groups
        for candidate in group.candidates[::step]
    ]
    return sum(len(row.input_ids) for row in rows), sum(row.n_response for row in rows)


def _trainer(
    model: Any,
    tokenizer: Any,
    groups: Sequence[RatedGroup],
    way: Way,
    load: Load,
    folder: Path,
    clock: _Clock,
) -> Any:
    """Return a Trainer that saves nothing."""
    shared: dict[str, Any] = {
        "max_steps": FIRST + load.steps,
        "batch_size": load.groups,
        "max_length": load.length,
        "gradient_checkpointing": way.checkpointing,
        "lora": LoraConfig() if way.lora else None,
        "device": "cpu" if clock.device.type == "cpu" else None,
        "extra": {"save_strategy": "no"},
    }
    method: Method
    if way.method == "dpo":
        method = Dpo(DpoConfig(**shared, pairing="best_worst"))
    else:
        config = StableAlignmentConfig(**shared, divergence_groups=0, stop_nll=None)
        method = StableAlignment(config)
    job = Job(
        model=model,
        tokenizer=tokenizer,
        examples=method.select(groups).examples,
        arguments=partial(training_arguments, method.config, folder, False),
        callbacks=[clock],
        folder=folder,
        peft_config=lora_config(method.config.lora, model),
    )
    return method.make_trainer(job)
