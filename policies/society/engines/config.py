"""The settings of an engine."""

import importlib.util
from typing import Annotated, Literal

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.settings import settings_dataclass


@settings_dataclass("engine")
class EngineConfig:
    """Who plays the worlds of a simulation.

    Attributes:
        name: `local`, processes of this machine, or `ray`, actors of a Ray cluster.
        workers: Number of worker processes, each of which plays one world at a time. None: this
            process plays all worlds together; only `local` can.
        gpus_per_worker: GPUs of a worker; below 1, several workers share one.
        address: Address of the cluster; None: see `ray.init`.
        cpus_per_worker: CPU cores that Ray counts for a worker.
        losses: How often a world may lose its worker without one further answer.

    Raises:
        UserError: A setting is out of its range, or Ray is not installed.
    """

    name: Literal["local", "ray"] = "local"
    workers: Annotated[int, Field(ge=1)] | None = None
    gpus_per_worker: Annotated[float, Field(ge=0)] = 0
    address: str | None = None
    cpus_per_worker: Annotated[float, Field(ge=0)] = 1
    losses: Annotated[int, Field(ge=0)] = 3

    def __post_init__(self) -> None:
        """Refuse what no engine can do."""
        if self.gpus_per_worker > 1 and self.gpus_per_worker % 1:
            raise UserError("engine.gpus_per_worker: above 1 it must be a whole number")
        if self.name == "ray" and self.workers is None:
            raise UserError("engine.workers: engine=ray needs a number of workers")
        if self.address is not None and self.address.startswith("ray://"):
            raise UserError(
                "engine.address: a Ray client (ray://) cannot be reached by the workers; start "
                "the command on a machine of the cluster, with engine.address=auto"
            )
        if self.name == "ray" and importlib.util.find_spec("ray") is None:
            raise UserError("engine=ray: Ray is not installed: pip install 'social-sandbox[ray]'")
