"""Texts that a random model writes through the engine of the local policies, by batch size."""

import random
from dataclasses import dataclass
from typing import Any

import torch

from social_sandbox.policies.huggingface.engine import Engine
from social_sandbox.policies.huggingface.shared_model import SharedModel

from ...training.memory.model_shape import ModelShape
from .machine import seconds_of


@dataclass(frozen=True, slots=True)
class Written:
    """How fast texts were written.

    Attributes:
        rows: Texts in the batch.
        a_second: New tokens a second of all texts, without the pass that reads the prompts.
        bound: Tokens a second at which the device would read the weights and the cache of keys and
            values once for each new token of the batch, and do nothing else.
    """

    rows: int
    a_second: float
    bound: float


def engine(model: Any, tokenizer: Any, rows: int) -> Engine:
    """Return the engine of a local policy with its default sampling."""
    shared = SharedModel.of(model, tokenizer)
    return Engine(
        shared,
        temperature=0.7,
        top_k=50,
        top_p=0.95,
        rating="expected",
        max_batch=rows,
        max_batch_tokens=2**31,
    )


def measure(
    model: Any,
    tokenizer: Any,
    shape: ModelShape,
    rows: int,
    prompt: int,
    new_tokens: int,
    bandwidth: float,
) -> Written:
    """Let a model write `new_tokens` tokens behind each of `rows` different prompts.

    Args:
        model: Model of transformers.
        tokenizer: Its tokenizer.
        shape: Shape of the model.
        rows: Number of prompts, which are one batch.
        prompt: Tokens of each prompt.
        new_tokens: Tokens of each text.
        bandwidth: Bytes a second that the memory of the device delivers.

    Raises:
        torch.OutOfMemoryError: The device has too little memory.
    """
    draw = random.Random(rows)
    prompts = [[draw.randrange(256) for _ in range(prompt)] for _ in range(rows)]
    playing = engine(model, tokenizer, rows)
    tokens = 0

    def write(count: int) -> None:
        nonlocal tokens
        texts = playing.generate(prompts, range(rows), [None] * rows, count)
        tokens = sum(text.tokens.completion for text in texts)

    device = model.device
    write(2)
    reading = seconds_of(lambda: write(1), device)
    seconds = seconds_of(lambda: write(1 + new_tokens), device) - reading
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    if not shape.tied:
        # Of the embedding only the rows of the tokens are read.
        weights -= shape.vocabulary * shape.hidden * model.dtype.itemsize
    cache = rows * (prompt + new_tokens / 2) * shape.cache_bytes(model.dtype.itemsize)
    return Written(
        rows=rows,
        a_second=(tokens - rows) / max(seconds, torch.finfo().eps),
        bound=rows * bandwidth / (weights + cache),
    )
