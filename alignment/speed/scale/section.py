"""The section of training and generation with models of published sizes and random weights."""

import gc
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

import torch

from social_sandbox.policies.huggingface.shared_model import best_dtype

from ...training.config import LoraConfig
from ...training.memory.gpu_memory import Step, expected_memory
from ...training.memory.model_shape import SHAPES
from ..measure import Goal, Measurement, Missing, Row
from . import generation, training
from .machine import bytes_a_second, data_sheet_peak, operations_a_second
from .models import byte_tokenizer, random_model

SECTION = "scale"

_WAYS = {
    # The weights of a small model, its gradients and the state of Adam fit on every GPU.
    "small": [
        training.Way("stable_alignment", lora=False, checkpointing=False),
        training.Way("stable_alignment", lora=True, checkpointing=False),
        training.Way("dpo", lora=False, checkpointing=False),
    ],
    "large": [
        training.Way("stable_alignment", lora=True, checkpointing=False),
        training.Way("stable_alignment", lora=False, checkpointing=True),
        training.Way("dpo", lora=True, checkpointing=False),
    ],
}
_LARGE = 3e9
"""Parameters from which on a model is large."""
_GIB = 2**30


def default_models() -> tuple[str, ...]:
    """Return the models that this machine can train in a minute."""
    return ("1b", "7b") if torch.cuda.is_available() else ("tiny",)


def measurements(quick: bool, models: Sequence[str] = ()) -> list[Row]:
    """Measure the machine, and training and generation with each model.

    Args:
        quick: Whether to time fewer steps and smaller batches.
        models: Names in `SHAPES`; empty: `default_models`.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    peak, bandwidth = _bounds(device)
    rows: list[Row] = [
        Measurement(SECTION, "matrix product", peak / 1e12, "TFLOP/s"),
        Measurement(SECTION, "copy within memory", bandwidth / 1e9, "GB/s"),
    ]
    for model in models or default_models():
        rows += _trained(model, quick, device, peak)
        rows += _written(model, quick, device, bandwidth)
    return rows


def load_of(model: str, quick: bool, device: torch.device) -> training.Load:
    """Return what a step of a model reads; little on a CPU, which only shows that it works."""
    if device.type == "cpu":
        return training.Load(groups=2, prompt=32, response=32, steps=2)
    large = SHAPES[model].parameters >= _LARGE
    return training.Load(
        groups=4 if large else 8, prompt=256, response=256, steps=3 if quick else 6
    )


def _bounds(device: torch.device) -> tuple[float, float]:
    """Return the operations and the bytes a second that the device reaches."""
    size, copied = (8192, 4 * _GIB) if device.type == "cuda" else (512, 2**26)
    return operations_a_second(device, best_dtype(device), size), bytes_a_second(device, copied)


def _trained(model: str, quick: bool, device: torch.device, peak: float) -> Iterator[Row]:
    shape = SHAPES[model]
    load = load_of(model, quick, device)
    rates: dict[tuple[bool, bool, str], float] = {}
    for way in _WAYS["large" if shape.parameters >= _LARGE else "small"]:
        name = f"{model}, {way}"
        if way.method == "dpo" and not find_spec("trl"):
            yield Missing(SECTION, name, "pip install trl")
            continue
        try:
            done = training.measure(shape, way, load, device)
        except torch.OutOfMemoryError:
            yield Missing(SECTION, name, "the GPU has too little memory")
            continue
        finally:
            release()
        rate = done.tokens / done.seconds
        rates[way.lora, way.checkpointing, way.method] = rate
        reached = done.operations / done.seconds
        yield Measurement(SECTION, f"{name}: tokens", rate, "/s")
        yield Measurement(
            SECTION, f"{name}: share of the matrix product", 100 * reached / peak, "%"
        )
        if device.type == "cuda":
            most = data_sheet_peak(torch.cuda.get_device_name(device))
            if most is not None:
                share = 100 * reached / most
                yield Measurement(SECTION, f"{name}: share of the data sheet's peak", share, "%")
        yield Measurement(SECTION, f"{name}: peak memory", done.bytes / _GIB, "GiB")
        if way.method == "stable_alignment" and device.type == "cuda":
            rank = LoraConfig().rank if way.lora else None
            step = Step(
                rows=1, length=done.positions, lora_rank=rank, checkpointing=way.checkpointing
            )
            expected = expected_memory(shape, step).peak / _GIB
            yield Measurement(SECTION, f"{name}: peak memory, expected", expected, "GiB")
        other = rates.get((way.lora, way.checkpointing, "stable_alignment"))
        if way.method == "dpo" and other is not None:
            weights = "LoRA" if way.lora else "all weights"
            beside = f"{model}, {weights}: stable_alignment / DPOTrainer, tokens a second"
            yield Measurement(SECTION, beside, other / rate, "x", Goal(1))


def _written(model: str, quick: bool, device: torch.device, bandwidth: float) -> Iterator[Row]:
    shape = SHAPES[model]
    on_gpu = device.type == "cuda"
    prompt, new_tokens = (256, 32 if quick else 64) if on_gpu else (16, 4)
    sizes = ((1, 16, 64, 256) if quick else (1, 4, 16, 64, 256)) if on_gpu else (1, 4)
    tokenizer = byte_tokenizer(shape.vocabulary)
    try:
        playing = random_model(shape, device, best_dtype(device))
        for rows in sizes:
            done = generation.measure(
                playing, tokenizer, shape, rows, prompt, new_tokens, bandwidth
            )
            name = f"{model}, {rows} texts at a time"
            share = 100 * done.a_second / done.bound
            yield Measurement(SECTION, f"{name}: tokens written", done.a_second, "/s")
            yield Measurement(SECTION, f"{name}: share of the bandwidth bound", share, "%")
    except torch.OutOfMemoryError:
        yield Missing(SECTION, f"{model}, texts", "the GPU has too little memory")
    finally:
        playing = None
        release()


def release() -> None:
    """Free the memory of models that nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
