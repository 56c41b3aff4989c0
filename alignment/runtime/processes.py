"""This process: whether others train together with it, and whether a sweep started it."""

import os


def is_first() -> bool:
    """Return whether this process is the one that writes files and prints; True for a single one.

    The variables RANK and WORLD_SIZE are set by `accelerate launch` and torchrun.
    """
    return os.environ.get("RANK", "0") == "0"


def several() -> bool:
    """Return whether more than one process was launched."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def wait_for_all(cpu: bool) -> None:
    """Wait until every process has come to this call; return at once in a single process.

    Args:
        cpu: Whether the processes will train on CPUs. Processes that were not yet connected are
            connected by the backend for this device, which the trainer then uses as well.
    """
    if several():
        from accelerate import PartialState

        PartialState(cpu=cpu).wait_for_everyone()


def in_sweep() -> bool:
    """Return whether `wandb agent` started this program."""
    return bool(os.environ.get("WANDB_SWEEP_ID"))
