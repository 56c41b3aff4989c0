"""What methods share whose loss is over all candidates of a rated group."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from social_sandbox.envs.errors import UserError

from ..data.groups import RatedGroup, trainable
from ..training.batching import GroupDataset
from ..training.group_trainer import GroupTrainer
from ..training.losses import GroupLoss
from ..training.method import Job, Selection, with_adapters
from ..training.packing import Packing
from .offline import DataMethod


@dataclass(frozen=True, kw_only=True)
class GroupMethod(DataMethod):
    """A method is one of these with a loss, and the loss's own settings."""

    candidates_per_group: int = 3
    packing: Packing = "auto"
    """Read a prompt once for all its responses; `auto`: where the model can and it is faster."""
    logits_chunk: int | None = 256
    """Positions whose logits are in memory at a time; null: those of the whole batch."""
    stop_nll: float | None = 5.0
    """End training once lower-rated responses are so many nats per token less likely than the
    loss asks for, in the mean; null: never."""
    divergence_groups: int = 32
    """Groups whose best-rated response is read before training, so that the log tells how much
    likelier it has become; 0: none."""

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require_at_least_one("candidates_per_group")
        self._require("divergence_groups", self.divergence_groups >= 0, "0 or more")
        chunk, limit = self.logits_chunk, self.stop_nll
        self._require("logits_chunk", chunk is None or chunk >= 1, "at least 1, or null")
        self._require(
            "stop_nll", limit is None or 0 < limit < math.inf, "a number above 0, or null"
        )
        self._require("packing", self.packing in (True, False, "auto"), "auto, true or false")

    @abstractmethod
    def loss(self, nll: Tensor, batch: Mapping[str, Any], valid: Tensor) -> GroupLoss:
        """The loss of a collated batch, of shape and units as in `losses`."""

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
        plan = self.plan(job.examples, lambda group: group)
        args = plan.arguments(job)
        return GroupTrainer(
            with_adapters(job, args),
            args,
            self._dataset(plan.learnt, job.tokenizer),
            self.loss,
            [*plan.callbacks, *job.callbacks],
            packing=self.packing,
            logits_chunk=self.logits_chunk,
            stop_nll=self.stop_nll,
            divergence_groups=self.divergence_groups,
            held_out=self._dataset(plan.held_out, job.tokenizer) if plan.held_out else None,
            staged_epochs=self.epochs if plan.staged else None,
        )

    def _dataset(self, groups: Sequence[RatedGroup], tokenizer: Any) -> GroupDataset:
        return GroupDataset(
            groups,
            tokenizer,
            max_length=self.max_length,
            candidates_per_group=self.candidates_per_group,
            seed=self.seed,
        )
