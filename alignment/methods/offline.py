"""What methods share that learn from the data: its order, and what of it is held out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.seeding import generator

from ..data.groups import RatedGroup
from ..training.early_stopping import StopOnHeldOut
from ..training.method import Job, Method
from ..training.samplers import group_length, in_stages, stage_of

Stages = Literal["mixed", "three"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is learnt in which order, and what is only measured."""

    learnt: Sequence[Any]
    order: Sequence[int]
    """Places in `learnt`, as they are seen: of all epochs where `staged`, else of one."""
    held_out: Sequence[Any]
    staged: bool
    callbacks: Sequence[Any]
    own: dict[str, Any]

    def arguments(self, job: Job, **own: Any) -> Any:
        """The Trainer's arguments; see `Job.arguments`."""
        args = job.arguments(**self.own, **own)
        if self.staged and args.max_steps > 0:
            # The Trainer would begin again with the first stage.
            step = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
            args.max_steps = min(args.max_steps, math.ceil(len(self.order) / step))
        return args


@dataclass(frozen=True, kw_only=True)
class DataMethod(Method):
    """A method is one of these if it makes its Trainer by a `plan`."""

    stages: Stages = "mixed"
    """`three`: all epochs of imitation, then of self-critic, then of realignment, in one run.
    Groups of other kinds belong to the first stage."""
    held_out: float = 0.0
    """Share of the prompts that are not trained on, to see the loss on them and to export the
    weights of its least; 0: none."""
    held_out_steps: int = 50
    """Steps between two measurements of that loss."""
    patience: int = 3
    """End training once it has not improved in so many measurements."""

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        super().__post_init__()
        self._require("stages", self.stages in get_args(Stages), " or ".join(get_args(Stages)))
        self._require_at_least_one("held_out_steps", "patience")
        self._require("held_out", 0 <= self.held_out < 1, "in [0, 1)")
        if not self.held_out:
            self._require_defaults("held_out_steps", "patience", unread_without="held_out")

    def plan(self, examples: Sequence[Any], group_of: Callable[[Any], RatedGroup]) -> Plan:
        """Part examples; `group_of` gives the group that one comes from."""
        learnt, held_out = self._split(examples, group_of)
        kinds = [group_of(example).kind for example in learnt]
        staged = self.stages == "three" and len({stage_of(kind) for kind in kinds}) > 1
        own: dict[str, Any] = {}
        order: Sequence[int] = range(len(learnt))
        if staged:
            lengths = [group_length(group_of(example)) for example in learnt]
            step = self.batch_size * self.accumulation
            seen = in_stages(kinds, self.epochs, self.seed, lengths, step)
            order = [number for _, number in seen]
            own = {"num_train_epochs": 1.0, "train_sampling_strategy": "sequential"}
        if held_out:
            own |= {
                "eval_strategy": "steps",
                "eval_steps": self.held_out_steps,
                "per_device_eval_batch_size": self.batch_size,
            }
        callbacks = [StopOnHeldOut(self.patience)] if held_out else []
        return Plan(learnt, order, held_out, staged, callbacks, own)

    def _split(
        self, examples: Sequence[Any], group_of: Callable[[Any], RatedGroup]
    ) -> tuple[Sequence[Any], Sequence[Any]]:
        """What is trained on and what is held out: all of a prompt is on one side."""
        if not self.held_out:
            return examples, []
        prompts = sorted({group_of(example).prompt for example in examples}, key=repr)
        order = generator(self.seed, "held_out").permutation(len(prompts))
        count = round(self.held_out * len(prompts))
        if not 0 < count < len(prompts):
            raise UserError(
                f"method.held_out={self.held_out:g} leaves nothing on one side: the groups have "
                f"{len(prompts)} different prompts"
            )
        apart = {prompts[place] for place in order[:count]}
        return (
            [example for example in examples if group_of(example).prompt not in apart],
            [example for example in examples if group_of(example).prompt in apart],
        )
