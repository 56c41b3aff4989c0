"""What methods share whose loss is over all candidates of a rated group."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.seeding import generator

from .collate import GroupDataset, trainable
from .groups import RatedGroup
from .losses import GroupLoss
from .method import Job, Method, Selection, with_adapters
from .packing import Packing
from .trainer import GroupTrainer


@dataclass(frozen=True, kw_only=True)
class GroupMethod(Method):
    """A method is one of these with a loss, and the loss's own settings."""

    candidates_per_group: int = 3
    packing: Packing = "auto"
    """Read a prompt once for all its responses; `auto`: where the model can and it is faster."""
    logits_chunk: int | None = 256
    """Positions whose logits are in memory at a time; null: those of the whole batch."""
    stop_nll: float | None = 10.0
    """End training once lower-rated responses are so many nats per token less likely than the
    loss asks for, in the mean; null: never."""
    divergence_groups: int = 32
    """Groups whose best-rated response is read before training, so that the log tells how much
    likelier it has become; 0: none."""
    held_out: float = 0.0
    """Share of the prompts that are not trained on, to see the loss on them; 0: none."""
    held_out_steps: int = 50
    """Steps between two measurements of that loss."""
    patience: int = 3
    """End training once it has not improved in so many measurements."""

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require_at_least_one("candidates_per_group", "held_out_steps", "patience")
        self._require("divergence_groups", self.divergence_groups >= 0, "0 or more")
        self._require("held_out", 0 <= self.held_out < 1, "in [0, 1)")
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
        learnt, held_out = self._split(job.examples)
        dataset = self._dataset(learnt, job.tokenizer)
        measured: dict[str, Any] = {}
        if held_out:
            measured = {
                "eval_strategy": "steps",
                "eval_steps": self.held_out_steps,
                "per_device_eval_batch_size": self.batch_size,
            }
        args = job.arguments(**measured)
        return GroupTrainer(
            with_adapters(job, args),
            args,
            dataset,
            self.loss,
            job.callbacks,
            packing=self.packing,
            logits_chunk=self.logits_chunk,
            stop_nll=self.stop_nll,
            divergence_groups=self.divergence_groups,
            held_out=self._dataset(held_out, job.tokenizer) if held_out else None,
            patience=self.patience,
        )

    def _dataset(self, groups: Sequence[RatedGroup], tokenizer: Any) -> GroupDataset:
        return GroupDataset(
            groups,
            tokenizer,
            max_length=self.max_length,
            candidates_per_group=self.candidates_per_group,
            seed=self.seed,
        )

    def _split(
        self, groups: Sequence[RatedGroup]
    ) -> tuple[Sequence[RatedGroup], Sequence[RatedGroup]]:
        """What is trained on and what is held out: all groups of a prompt are on one side."""
        if not self.held_out:
            return groups, []
        prompts = sorted({group.prompt for group in groups}, key=repr)
        order = generator(self.seed, "held_out").permutation(len(prompts))
        count = round(self.held_out * len(prompts))
        if not 0 < count < len(prompts):
            raise UserError(
                f"method.held_out={self.held_out:g} leaves nothing on one side: the groups have "
                f"{len(prompts)} different prompts"
            )
        apart = {prompts[place] for place in order[:count]}
        return (
            [group for group in groups if group.prompt not in apart],
            [group for group in groups if group.prompt in apart],
        )
