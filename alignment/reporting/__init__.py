"""Console tables, figures and wandb."""

from .wandb_config import WandbConfig
from .wandb_run import tracked

__all__ = [
    "WandbConfig",
    "tracked",
]
