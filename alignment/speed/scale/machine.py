"""How fast the machine multiplies matrices and reads memory: the bounds of what is measured."""

from collections.abc import Callable
from time import perf_counter

import torch

_PRODUCTS = 10
_PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""bfloat16 operations a second in the vendor's data sheets, without sparsity (SXM parts)."""


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of some work, including that of the device."""
    synchronise(device)
    start = perf_counter()
    work()
    synchronise(device)
    return perf_counter() - start


def operations_a_second(device: torch.device, dtype: torch.dtype, size: int) -> float:
    """Return the operations a second of the product of two square matrices of random numbers."""
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))

    def multiply() -> None:
        for _ in range(_PRODUCTS):
            left @ right

    multiply()
    return 2.0 * size**3 * _PRODUCTS / seconds_of(multiply, device)


def bytes_a_second(device: torch.device, size: int) -> float:
    """Return the bytes a second that a copy within the device's memory reads and writes."""
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    target.copy_(source)

    def copy() -> None:
        for _ in range(_PRODUCTS):
            target.copy_(source)

    return 2.0 * size * _PRODUCTS / seconds_of(copy, device)


def data_sheet_peak(name: str) -> float | None:
    """Return the vendor's bfloat16 operations a second of a GPU; None for one not in the list."""
    return next((peak for part, peak in _PEAKS.items() if part in name), None)
