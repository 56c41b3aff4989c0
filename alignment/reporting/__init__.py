"""Reports of a run: tables on the console, figures, pages, and tracking in wandb."""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .tracking.config import WandbConfig as WandbConfig
    from .tracking.run import tracked as tracked

_PLACES = {"WandbConfig": "tracking.config", "tracked": "tracking.run"}
__all__ = list(_PLACES)

__getattr__ = on_use(__name__, _PLACES)
