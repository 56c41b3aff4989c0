"""Stable Alignment (Liu et al. 2023, arXiv 2305.16960): this project's loss on rated groups."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..training.losses import REDUCTIONS, GroupLoss, Reduction, stable_alignment
from .grouped import GroupMethod


@dataclass(frozen=True, kw_only=True)
class StableAlignmentConfig(GroupMethod):
    """How to align. Margin, ratio and epochs are those of the authors' published model's card."""

    margin: float = 1.0
    ratio: float = 0.2
    reduce: Reduction = "mean"
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

    def loss(self, nll: Tensor, batch: Mapping[str, Any], valid: Tensor) -> GroupLoss:
        """The paper's loss."""
        return stable_alignment(
            nll,
            batch["rating"],
            batch["group"],
            batch["n_groups"],
            margin=self.margin,
            ratio=self.ratio,
            rating_scale=self.rating_scale or batch["rating_scale"],
            reduce=self.reduce,
            valid=valid,
            reference_bug=self.reproduce_reference_bug,
        )
