"""Several processes that train one model together, as `torchrun` and `accelerate launch` start."""

import os


def is_first() -> bool:
    """Whether this process is the one that writes and speaks for all; true where it is alone."""
    return os.environ.get("RANK", "0") == "0"


def several() -> bool:
    """Whether there is more than one."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1
