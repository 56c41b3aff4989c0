"""This process: whether it trains together with others, and whether a sweep started it."""

import os


def is_first() -> bool:
    """Whether this process is the one that writes and speaks for all; true where it is alone."""
    return os.environ.get("RANK", "0") == "0"


def several() -> bool:
    """Whether there is more than one."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def in_sweep() -> bool:
    """Whether `wandb agent` started this program."""
    return bool(os.environ.get("WANDB_SWEEP_ID"))
