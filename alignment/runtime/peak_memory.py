"""The peak of the memory in use: of the GPU where one works, else of this process."""

import resource
import sys
from contextlib import suppress
from pathlib import Path


def peak_bytes(device: str) -> int:
    """Return the peak since `reset_peak`, or since the process began, in bytes.

    Args:
        device: The type of the device that works, as in `torch.device(...).type`.
    """
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated()
    # On Linux ru_maxrss includes the peak of the parent process and cannot be reset.
    with suppress(OSError):
        return _high_water_mark()
    # In bytes on macOS, and in KiB elsewhere.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak() -> None:
    """Reset the peak to the memory in use now; possible on GPUs and on Linux."""
    # A process without torch has no memory on a GPU.
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _high_water_mark() -> int:
    """Return the peak of the resident memory in bytes; raise OSError where Linux does not tell."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")
