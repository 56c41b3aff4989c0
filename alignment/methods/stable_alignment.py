"""Stable Alignment (Liu et al. 2023, arXiv 2305.16960): this project's loss on rated groups."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..data.groups import RatedGroup
from ..training.losses import REDUCTIONS, GroupLoss, Reduction, stable_alignment
from ..training.method import Job, Method, Selection
from .grouped import GroupedConfig, make_group_trainer, select_trainable


@dataclass(frozen=True, kw_only=True)
class StableAlignmentConfig(GroupedConfig):
    """Settings of Stable Alignment.

    Margin, ratio and epochs are those of the card of the authors' published model.
    """

    margin: float = 1.0
    """Nats per token that a rating difference of a full `rating_scale` is worth."""
    ratio: float = 0.2
    """Weight of the contrast; imitation of the best-rated candidate has 1."""
    reduce: Reduction = "mean"
    """`mean`: hinge of the mean over lower-rated candidates, as in the paper; `max`: with the
    worst candidate only; `mean_of_hinges`: a hinge for each candidate."""
    rating_scale: float | None = None
    """What ratings are divided by in the margin; null: by the scale of each group's ratings."""
    reproduce_reference_bug: bool = False
    """Give margins to the wrong candidates, as the authors' code does; an ablation."""

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require_not_negative("margin", "ratio")
        scale = self.rating_scale
        self._require(
            "rating_scale", scale is None or 0 < scale < math.inf, "a number above 0, or null"
        )
        self._require("reduce", self.reduce in REDUCTIONS, " or ".join(REDUCTIONS))


@dataclass(frozen=True)
class StableAlignment(Method):
    """Imitate the best-rated candidate of a group, and contrast it with the lower-rated ones."""

    config: StableAlignmentConfig = field(default_factory=StableAlignmentConfig)

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return the groups with a trainable candidate."""
        return select_trainable(groups)

    def make_trainer(self, job: Job) -> Any:
        """Return a `GroupTrainer` with the loss of the paper."""
        return make_group_trainer(job, self.config, self.loss)

    def loss(self, nll: Tensor, batch: Mapping[str, Any], valid: Tensor) -> GroupLoss:
        """Return the loss of a collated batch; see `losses.stable_alignment`."""
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
