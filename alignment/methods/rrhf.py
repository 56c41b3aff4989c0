"""RRHF (Yuan et al. 2023, arXiv 2304.05302): responses ranked by likelihood as by rating."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from social_sandbox.envs.settings import settings_dataclass

from ..data.groups import RatedGroup
from ..training.method import Job, Method, Selection
from .grouped import GroupedConfig, make_group_trainer, select_trainable

if TYPE_CHECKING:
    from torch import Tensor

    from ..training.batches.batching import Batch
    from ..training.loss.losses import GroupLoss


@settings_dataclass("method")
class RrhfConfig(GroupedConfig):
    """Settings of RRHF."""

    # The paper adds ranking and imitation without a weight.
    rank_weight: Annotated[float, Field(ge=0)] = 1.0


@dataclass(frozen=True)
class Rrhf(Method):
    """Rank the responses of a group by likelihood as they are rated, and imitate the best."""

    config: RrhfConfig = field(default_factory=RrhfConfig)

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return the groups with a trainable candidate."""
        return select_trainable(groups, self.config)

    def make_trainer(self, job: Job) -> Any:
        """Return a `GroupTrainer` with the loss of RRHF."""
        remedy = "RRHF asks for the right order alone; method=stable_alignment has a margin"
        return make_group_trainer(
            job, self.config, self.loss, remedy if self.config.rank_weight else None
        )

    def loss(self, nll: "Tensor", batch: "Batch", valid: "Tensor") -> "GroupLoss":
        """Return the loss of a collated batch; see `losses.rrhf`."""
        from ..training.loss.losses import rrhf

        return rrhf(
            nll,
            batch["rating"],
            batch["group"],
            batch["n_groups"],
            rank_weight=self.config.rank_weight,
            valid=valid,
        )
