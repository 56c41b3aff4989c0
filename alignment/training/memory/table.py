"""`social-sandbox gpu-memory`: the expected memory of each GPU by model, number of GPUs and way."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.terminal import Terminal

from ...runtime.arguments import ArgumentParser
from ...runtime.tables import table
from .gpu_memory import Sharding, Step, expected_memory
from .model_shape import SHAPES, ModelShape, shape_of

WAYS: dict[str, tuple[bool, Sharding]] = {
    "all weights, DDP": (False, "none"),
    "all weights, ZeRO 2": (False, "zero2"),
    "all weights, FSDP2 or ZeRO 3": (False, "full"),
    "LoRA, DDP": (True, "none"),
    "LoRA, FSDP2": (True, "full"),
}
"""Whether a way trains adapters, and what the GPUs share out."""


def main(arguments: Sequence[str]) -> None:
    """Print the table.

    Raises:
        UserError: A model is not known, or a number is below 1.
    """
    parser = ArgumentParser(
        prog="social-sandbox gpu-memory",
        description="Expected GiB of each GPU in training, with gradient checkpointing and "
        "without it. docs/how/gpu-memory.md derives the formulas.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    names = ", ".join(name for name in SHAPES if name != "tiny")
    parser.add_argument(
        "models",
        nargs="*",
        default=["1b", "7b", "70b"],
        help=f"{names}, or the folder or hub id of a model that is built like Llama",
    )
    parser.add_argument("--gpus", nargs="+", type=int, default=[1, 8, 32], help="numbers of GPUs")
    parser.add_argument("--rows", type=int, default=Step().rows, help="candidates that a GPU reads")
    parser.add_argument("--length", type=int, default=Step().length, help="tokens of a candidate")
    parser.add_argument("--rank", type=int, default=16, help="rank of adapters")
    options = parser.parse_args(arguments)
    for name, values in vars(options).items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, int) and value < 1:
                raise UserError(f"--{name} must be at least 1, got {value}")
    made = table(
        *("model", "way", "GPUs", "GiB", "checkpointed"),
        title=f"Expected memory of a GPU, {options.rows} rows of {options.length} tokens",
        numbers=("GPUs", "GiB", "checkpointed"),
    )
    step = Step(rows=options.rows, length=options.length)
    for model in options.models:
        made.add_section()
        for cells in rows(shape_named(model), step, options.gpus, options.rank):
            made.add_row(model, *cells)
    Terminal().print(made)


def rows(
    shape: ModelShape, step: Step, gpus: Sequence[int], rank: int
) -> Iterator[tuple[str, ...]]:
    """Yield way, number of GPUs, and GiB without and with checkpointing."""
    for way, (adapters, sharding) in WAYS.items():
        for count in gpus:
            if sharding != "none" and count == 1:
                continue
            trained = replace(step, lora_rank=rank if adapters else None)
            peaks = [
                expected_memory(shape, replace(trained, checkpointing=ck), count, sharding).peak
                for ck in (False, True)
            ]
            name = way.replace("DDP", "one GPU") if count == 1 else way
            yield name, str(count), *(f"{peak / 2**30:,.1f}" for peak in peaks)


def shape_named(model: str) -> ModelShape:
    """Return the shape of a name in `SHAPES`, or of a model's configuration.

    Raises:
        UserError: There is no such model, or it is built in another way.
    """
    if model in SHAPES:
        return SHAPES[model]
    from social_sandbox.policies.huggingface.shared_model import check_model

    config = check_model(model, "model")
    try:
        return shape_of(config)
    except AttributeError as error:
        raise UserError(f"model: {model} is not built like Llama: {error}") from error
