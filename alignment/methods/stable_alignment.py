"""Stable Alignment (Liu et al. 2023, arXiv 2305.16960): this project's loss on rated groups."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from social_sandbox.envs.settings import settings_dataclass

from ..data.groups import RatedGroup
from ..training.config import Reduction
from ..training.method import Job, Method, Selection
from .grouped import GroupedConfig, make_group_trainer, select_trainable

if TYPE_CHECKING:
    from torch import Tensor

    from ..training.batches.batching import Batch
    from ..training.loss.losses import GroupLoss


@settings_dataclass("method")
class StableAlignmentConfig(GroupedConfig):
    """Settings of Stable Alignment.

    Margin and ratio are those of a search on norms, in which the authors' own hardly had an effect;
    `configs/method` has the three settings that the authors published.
    """

    margin: Annotated[float, Field(ge=0)] = 4.0
    ratio: Annotated[float, Field(ge=0)] = 1.0
    reduce: Reduction = "mean"
    rating_scale: Annotated[float, Field(gt=0)] | None = None
    reproduce_reference_bug: bool = False


@dataclass(frozen=True)
class StableAlignment(Method):
    """Imitate the best-rated candidate of a group, and contrast it with the lower-rated ones."""

    config: StableAlignmentConfig = field(default_factory=StableAlignmentConfig)

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return the groups with a trainable candidate."""
        return select_trainable(groups, self.config)

    def make_trainer(self, job: Job) -> Any:
        """Return a `GroupTrainer` with the loss of the paper."""
        config = self.config
        remedy = (
            f"raise method.margin={config.margin:g}, the difference of likelihoods that the "
            "contrast asks for"
        )
        return make_group_trainer(job, config, self.loss, remedy if config.ratio else None)

    def loss(self, nll: "Tensor", batch: "Batch", valid: "Tensor") -> "GroupLoss":
        """Return the loss of a collated batch; see `losses.stable_alignment`."""
        from ..training.loss.losses import stable_alignment

        return stable_alignment(
            nll,
            batch["rating"],
            batch["group"],
            batch["n_groups"],
            margin=self.config.margin,
            ratio=self.config.ratio,
            rating_scale=self.config.rating_scale or batch["rating_scale"],
            reduce=self.config.reduce,
            valid=valid,
            reference_bug=self.config.reproduce_reference_bug,
        )
