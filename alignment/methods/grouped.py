"""What methods share whose loss is over all candidates of a rated group."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from social_sandbox.envs.errors import UserError

from ..data.groups import RatedGroup, trainable
from ..training.batching import GroupDataset
from ..training.group_trainer import GroupLossFunction, GroupTrainer
from ..training.method import Job, Selection, with_adapters
from ..training.packing import Packing
from .offline import OfflineConfig, make_plan


@dataclass(frozen=True, kw_only=True)
class GroupedConfig(OfflineConfig):
    """Settings of methods that train with a `GroupTrainer`."""

    candidates_per_group: int = 3
    """Candidates drawn from a group in each epoch; the best-rated is always among them."""
    packing: Packing = "auto"
    """Read a prompt once for all its responses; `auto`: if the model can and it is faster."""
    logits_chunk: int | None = 256
    """Positions whose logits are in memory at a time; null: those of the whole batch."""
    stop_nll: float | None = 5.0
    """Training ends when lower-rated responses are on average so many nats per token less likely
    than the loss asks for; null: never."""
    divergence_groups: int = 32
    """Groups whose best-rated response is read before training, so that the log shows how much
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


def select_trainable(groups: Sequence[RatedGroup]) -> Selection:
    """Return the groups with at least one trainable candidate.

    Raises:
        UserError: no group has one.
    """
    usable = [group for group in groups if any(map(trainable, group.candidates))]
    if not usable:
        raise UserError(
            f"groups: none of the {len(groups)} groups has a valid candidate with a rating and text"
        )
    return Selection(usable, usable)


def make_group_trainer(job: Job, config: GroupedConfig, loss: GroupLossFunction) -> GroupTrainer:
    """Return the project's own Trainer for a loss over rated groups."""
    plan = make_plan(config, job.examples, lambda group: group)
    args = plan.arguments(job)

    def dataset(groups: Sequence[RatedGroup]) -> GroupDataset:
        return GroupDataset(
            groups,
            job.tokenizer,
            max_length=config.max_length,
            candidates_per_group=config.candidates_per_group,
            seed=config.seed,
        )

    return GroupTrainer(
        with_adapters(job, args),
        args,
        dataset(plan.learnt),
        loss,
        [*plan.callbacks, *job.callbacks],
        packing=config.packing,
        logits_chunk=config.logits_chunk,
        stop_nll=config.stop_nll,
        divergence_groups=config.divergence_groups,
        held_out=dataset(plan.held_out) if plan.held_out else None,
        staged_epochs=config.epochs if plan.staged else None,
    )
