"""What methods share that learn from the data itself: its order, and what of it is held out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.seeding import generator
from social_sandbox.envs.settings import settings_dataclass

from ..data.groups import RatedGroup
from ..data.storage.on_disk import ranks, room_on_disk
from ..data.storage.stored import Part
from ..training.config import TrainingConfig, require_defaults
from ..training.method import Job


@settings_dataclass("method")
class OfflineConfig(TrainingConfig):
    """Settings of methods that make their Trainer by `make_plan`."""

    stages: Literal["mixed", "three"] = "mixed"
    """With `three`, groups of other kinds than the three belong to the first stage."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.0
    held_out_steps: Annotated[int, Field(ge=1)] = 50
    patience: Annotated[int, Field(ge=1)] = 3

    def __post_init__(self) -> None:
        """Raise UserError for a setting that is not read without held-out prompts."""
        super().__post_init__()
        if not self.held_out:
            require_defaults(self, "held_out_steps", "patience", unread_without="held_out")


@dataclass(frozen=True, slots=True)
class Plan:
    """Which examples are learnt, in which order, and which are only measured."""

    learnt: Sequence[Any]
    order: Sequence[int]
    """Indices into `learnt` in the order of training: of all epochs if `staged`, else of one."""
    held_out: Sequence[Any]
    staged: bool
    callbacks: Sequence[Any]
    training_arguments: dict[str, Any]

    def arguments(self, job: Job, **method_arguments: Any) -> Any:
        """Return the Trainer's arguments; see `Job.arguments`."""
        args = job.arguments(**self.training_arguments, **method_arguments)
        if self.staged and args.max_steps > 0:
            # The order holds all epochs. Past its end the Trainer would begin with the first stage.
            step = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
            args.max_steps = min(args.max_steps, math.ceil(len(self.order) / step))
        return args


def make_plan(
    config: OfflineConfig, examples: Sequence[Any], group_of: Callable[[Any], RatedGroup]
) -> Plan:
    """Split examples into learnt and held-out ones, and order the learnt ones by stage.

    Args:
        config: the settings of the method.
        examples: groups, pairs or responses.
        group_of: returns the group that an example comes from.

    Raises:
        UserError: `held_out` leaves no prompt on one of the two sides.
    """
    from ..training.batches.samplers import group_length, in_stages, stage_of
    from ..training.early_stopping import StopOnHeldOut

    learnt, held_out = split_held_out(examples, group_of, config.held_out, config.seed)
    # Few texts, of which each group of a file has a copy of its own.
    kinds = [intern(group_of(example).kind) for example in learnt]
    staged = config.stages == "three" and len({stage_of(kind) for kind in kinds}) > 1
    arguments: dict[str, Any] = {}
    order: Sequence[int] = range(len(learnt))
    if staged:
        every = (group_length(group_of(example)) for example in learnt)
        lengths = np.fromiter(every, dtype=np.int64)
        step = config.batch_size * config.accumulation
        order = in_stages(kinds, config.epochs, config.seed, lengths, step)
        arguments = {"num_train_epochs": 1.0, "train_sampling_strategy": "sequential"}
    if held_out:
        arguments |= {
            "eval_strategy": "steps",
            "eval_steps": config.held_out_steps,
            "per_device_eval_batch_size": config.batch_size,
        }
    callbacks = [StopOnHeldOut(config.patience)] if held_out else []
    return Plan(learnt, order, held_out, staged, callbacks, arguments)


def split_held_out(
    examples: Sequence[Any], group_of: Callable[[Any], RatedGroup], share: float, seed: int
) -> tuple[Sequence[Any], Sequence[Any]]:
    """Return (learnt, held-out) examples; all examples of one prompt are on the same side.

    Args:
        examples: Groups, pairs or responses.
        group_of: Returns the group that an example comes from.
        share: Share of the prompts that are held out.
        seed: Seed of the choice.

    Raises:
        UserError: The share leaves no prompt on one of the two sides.
    """
    if not share:
        return examples, []
    with room_on_disk("method.held_out"):
        prompts = ranks(repr(group_of(example).prompt) for example in examples)
    n_prompts = int(prompts.max()) + 1
    order = generator(seed, "held_out").permutation(n_prompts)
    count = round(share * n_prompts)
    if not 0 < count < n_prompts:
        raise UserError(
            f"method.held_out={share:g} leaves nothing on one side: the groups have "
            f"{n_prompts} different prompts"
        )
    apart = np.isin(prompts, order[:count])
    if isinstance(examples, list):
        return (
            [example for example, is_out in zip(examples, apart, strict=True) if not is_out],
            [example for example, is_out in zip(examples, apart, strict=True) if is_out],
        )
    return Part(examples, np.flatnonzero(~apart)), Part(examples, np.flatnonzero(apart))
