"""The most memory that was in use: of the GPU if it is one that works, else of this process."""

import resource
import sys
from contextlib import suppress
from pathlib import Path

import torch


def peak_bytes(device: str) -> int:
    """The most up to now, since `reset_peak` or since the process began.

    `device`: the kind of the one that works, as in `torch.device(...).type`.
    """
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    # On Linux ru_maxrss also counts what the process that started this one held; a reset leaves it.
    with suppress(OSError):
        return _high_water_mark()
    # KiB, but for macOS.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def reset_peak() -> None:
    """Count anew from what is in use now, where the system can: on GPUs and on Linux."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    # Elsewhere what came before counts, too.
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _high_water_mark() -> int:
    """Linux alone keeps it where it can be read."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")
