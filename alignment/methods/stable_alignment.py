"""Stable Alignment (Liu et al. 2023, arXiv 2305.16960): this project's loss on rated groups."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from social_sandbox.envs.errors import UserError

from ..collate import GroupDataset, trainable
from ..groups import RatedGroup
from ..losses import REDUCTIONS, Reduction
from ..method import Job, Method, Selection, with_adapters
from ..trainer import StableAlignmentTrainer


@dataclass(frozen=True, kw_only=True)
class StableAlignmentConfig(Method):
    """How to align. Margin, ratio and epochs are those of the authors' published model's card."""

    margin: float = 1.0
    ratio: float = 0.2
    reduce: Reduction = "mean"
    rating_scale: float | None = None
    """What ratings are divided by in the margin; null: by the scale of each group's ratings."""
    candidates_per_group: int = 3

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require_not_negative("margin", "ratio")
        self._require_at_least_one("candidates_per_group")
        scale = self.rating_scale
        self._require(
            "rating_scale", scale is None or 0 < scale < math.inf, "a number above 0, or null"
        )
        self._require("reduce", self.reduce in REDUCTIONS, " or ".join(REDUCTIONS))

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Groups with a valid, rated candidate."""
        usable = [group for group in groups if any(map(trainable, group.candidates))]
        if not usable:
            raise UserError(
                f"groups: none of the {len(groups)} groups has a valid candidate with a rating "
                "and text"
            )
        return Selection(usable, usable)

    def make_trainer(self, job: Job) -> Any:
        """The project's own Trainer."""
        dataset = GroupDataset(
            job.examples,
            job.tokenizer,
            max_length=self.max_length,
            candidates_per_group=self.candidates_per_group,
            seed=self.seed,
        )
        args = job.arguments()
        model = with_adapters(job, args)
        return StableAlignmentTrainer(model, args, dataset, self, job.callbacks)
