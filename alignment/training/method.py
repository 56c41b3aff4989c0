"""The interface between a method of alignment and a training run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.memory import Embedder
from social_sandbox.envs.rules.questions import Question
from social_sandbox.envs.rules.turns import RATING_SCALE
from social_sandbox.envs.rules.world_config import WorldConfig
from social_sandbox.policies.policy import Policy
from social_sandbox.policies.society.population import Population

from ..data.groups import RatedGroup
from .config import TrainingConfig


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of the data that a method trains on."""

    examples: Sequence[Any]
    """Groups, pairs or responses, in the form that the method's own `make_trainer` reads."""
    groups: Sequence[RatedGroup]
    """The rated groups that the examples come from."""


@dataclass(frozen=True, slots=True)
class Society:
    """The society around a model in training."""

    config: WorldConfig
    """The rules."""
    population: Population
    """Plays the peers and the observers."""
    embedder: Embedder | None = None
    """Measures the similarity of questions; None: without a model."""
    priors: Sequence[Question] | None = None
    """Questions with good and bad answers for the prior memories; None: the project's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The model, data and arguments from which a method makes its Trainer."""

    model: Any
    """A causal language model without adapters."""
    tokenizer: Any
    examples: Sequence[Any]
    """The examples that the method's own `select` returned."""
    arguments: Callable[..., Any]
    """Returns the Trainer's arguments, which combine the shared settings and those of the method:
    `arguments(kind=DPOConfig, beta=0.1)`. `kind` is transformers.TrainingArguments or a class of
    TRL that inherits it."""
    callbacks: Sequence[Any]
    """Callbacks of transformers, which the method passes to its Trainer."""
    folder: Path
    """The folder of the run. A method that trains several models keeps the others in it."""
    peft_config: Any = None
    """A peft.LoraConfig, from which the method or TRL adds adapters to the model; None: train all
    weights."""
    observer: Policy | None = None
    """The policy that rates generated answers in training, if the method `asks_observer`."""
    rating_scale: int = RATING_SCALE
    """The highest rating of the data, and so of the observer."""
    society: Society | None = None
    """The society that the model is trained in, if the method `plays_society`."""


@dataclass(frozen=True)
class Method(ABC):
    """A way to train the base model on rated groups.

    A method of your own is a subclass with three things:

    - `config: MyConfig`, where `MyConfig` is a frozen, keyword-only dataclass that inherits
      `TrainingConfig` and adds the settings of the method. Users set them as `method.NAME=VALUE`;
      a setting that the dataclass does not have is an error.
    - `select(groups)`, which returns the examples to train on, before a model is loaded.
    - `make_trainer(job)`, which returns a transformers.Trainer that is ready to `train()`.

    The class is named by `method._target_=package.module.Class` on the command line, or by an
    entry point in the group `social_sandbox.methods`, after whose installation `method=NAME`
    chooses it.
    """

    config: TrainingConfig

    @property
    def asks_observer(self) -> bool:
        """Whether training asks the observer for ratings; then `Job.observer` is set."""
        return False

    @property
    def plays_society(self) -> bool:
        """Whether the model is trained in a society; then `Job.society` is set."""
        return False

    @property
    def trains_roles(self) -> bool:
        """Whether one trainer of the method trains all adapters of `method.roles`.

        Otherwise each adapter is trained by a trainer of its own, one after the other.
        """
        return False

    def check_society(self, society: Society) -> None:  # noqa: B027
        """Raise UserError if the model could learn nothing in a society that it is trained in."""

    def check_installed(self) -> None:
        """Raise UserError, with the install command, if a package of the method is missing."""
        if self.config.lora is not None:
            import_peft()

    @abstractmethod
    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return the part of the data to train on.

        Raises:
            UserError: The groups hold nothing to train on; the message is one line and gives the
                reason.
        """

    @abstractmethod
    def make_trainer(self, job: Job) -> Any:
        """Return a transformers.Trainer that is ready to `train()`.

        Its arguments come from `job.arguments`.
        """


def import_peft() -> Any:
    """Return the module peft.

    Raises:
        UserError: peft is not installed.
    """
    try:
        import peft
    except ImportError as error:
        raise UserError("method.lora needs: pip install 'social-sandbox[align]'") from error
    return peft


def with_adapters(job: Job, args: Any) -> Any:
    """Return the job's model, wrapped in LoRA adapters if the job has a `peft_config`."""
    if job.peft_config is None:
        return job.model
    model = import_peft().get_peft_model(job.model, job.peft_config)
    if args.activation_checkpointing:
        # Without this no gradient reaches the adapters: the embeddings before them are frozen.
        model.enable_input_require_grads()
    return model
