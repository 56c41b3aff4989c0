"""RRHF (Yuan et al. 2023, arXiv 2304.05302): responses ranked by likelihood as by rating."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..training.losses import GroupLoss, rrhf
from .grouped import GroupMethod


@dataclass(frozen=True, kw_only=True)
class RrhfConfig(GroupMethod):
    """How to rank. The paper adds ranking and imitation as they are."""

    rank_weight: float = 1.0

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require_not_negative("rank_weight")

    def loss(self, nll: Tensor, batch: Mapping[str, Any], valid: Tensor) -> GroupLoss:
        """The paper's loss."""
        return rrhf(
            nll,
            batch["rating"],
            batch["group"],
            batch["n_groups"],
            rank_weight=self.rank_weight,
            valid=valid,
        )
