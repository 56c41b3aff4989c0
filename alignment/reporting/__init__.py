"""Reports of a run: tables on the console, figures, pages, and tracking in wandb."""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .wandb_config import WandbConfig as WandbConfig
    from .wandb_run import tracked as tracked

_PLACES = {"WandbConfig": "wandb_config", "tracked": "wandb_run"}
__all__ = list(_PLACES)

__getattr__ = on_use(__name__, _PLACES)
