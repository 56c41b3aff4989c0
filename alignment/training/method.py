"""What a method of alignment is: settings, what it trains on, and what it trains."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from social_sandbox.envs.turns import RATING_SCALE
from social_sandbox.policies.policy import Policy

from ..data.groups import RatedGroup
from .config import TrainingConfig


@dataclass(frozen=True, slots=True)
class Selection:
    """What of the data a method trains on."""

    examples: Sequence[Any]
    """Groups, pairs or responses: `Method.make_trainer` knows what they are."""
    groups: Sequence[RatedGroup]
    """Rated groups that they come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All that a Trainer is made from."""

    model: Any
    """A causal language model without adapters."""
    tokenizer: Any
    examples: Sequence[Any]
    """Those of the method's own `select`."""
    arguments: Callable[..., Any]
    """`arguments(kind=DPOConfig, beta=0.1)` makes a Trainer's arguments out of shared settings;
    `kind` is transformers.TrainingArguments or a class of TRL that inherits it."""
    callbacks: Sequence[Any]
    folder: Path
    """The run's own; a method that trains more than one model keeps the others in it."""
    peft_config: Any = None
    """A peft.LoraConfig for those who wrap the model themselves, as TRL does; None: train all."""
    observer: Policy | None = None
    """Who rates what the model says in training, where the method `asks_observer`."""
    rating_scale: int = RATING_SCALE
    """Of the data, and so of the observer."""


@dataclass(frozen=True, kw_only=True)
class ObserverMethod:
    """A method that trains an observer, and leaves the base model alone.

    Its dataclass inherits this one and has its settings, and no others.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    @abstractmethod
    def fit(self, groups: Sequence[RatedGroup], folder: Path) -> dict[str, Any]:
        """Train on the groups, and write the observer to `folder`/model.

        Gives what is known of it: `pairs`, `seconds` and `accuracy`, shares of pairs by the name
        of the pairs. Raises UserError where the data is not enough.
        """


@dataclass(frozen=True, kw_only=True)
class Method(TrainingConfig):
    """A method that trains the base model; its dataclass inherits this one and has its settings,
    and no others.

    It is found by the name of its module in `alignment/methods`, or by `method._target_`.
    """

    # An option that a method does not read is an error.
    __pydantic_config__ = ConfigDict(extra="forbid")

    @property
    def asks_observer(self) -> bool:
        """Whether the job needs an observer."""
        return False

    @abstractmethod
    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """What there is to train on, before any model is loaded.

        Raises UserError saying in one line why there is nothing.
        """

    @abstractmethod
    def make_trainer(self, job: Job) -> Any:
        """A transformers.Trainer, ready to `train()`, with arguments by `job.arguments`."""


def with_adapters(job: Job, args: Any) -> Any:
    """The job's model, wrapped for LoRA where the job asks for it."""
    if job.peft_config is None:
        return job.model
    from peft import get_peft_model

    model = get_peft_model(job.model, job.peft_config)
    if args.activation_checkpointing:
        # Or no gradient would reach the adapters through frozen embeddings.
        model.enable_input_require_grads()
    return model
