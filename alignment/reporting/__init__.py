"""Reports of a run: tables on the console, figures, and tracking in wandb."""

from .wandb_config import WandbConfig
from .wandb_run import tracked

__all__ = [
    "WandbConfig",
    "tracked",
]
