"""Settings that every trained method shares; `--help method` explains each."""

from dataclasses import field, fields
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.settings import settings_dataclass

from .roles.config import Roles, read_roles

Reduction = Literal["mean", "max", "mean_of_hinges"]
"""How the contrast of a group's candidates with its best one becomes one number."""


def _known_schedule(name: str) -> str:
    if name in ("linear", "cosine", "constant"):
        return name  # transformers knows these, and takes seconds to import
    from transformers.trainer_utils import SchedulerType

    names = [schedule.value for schedule in SchedulerType]
    if name not in names:
        raise ValueError(f"must be {', '.join(names[:-1])} or {names[-1]}, got {name!r}")
    return name


@settings_dataclass("method.lora")
class LoraConfig:
    """Which low-rank adapters are trained beside the frozen weights (Hu et al. 2021)."""

    rank: Annotated[int, Field(ge=1)] = 16
    alpha: Annotated[float, Field(gt=0)] = 32.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    target_modules: (
        Annotated[str, Field(min_length=1)] | Annotated[list[str], Field(min_length=1)]
    ) = "all-linear"


@settings_dataclass("method")
class TrainingConfig:
    """How to train, whatever the method. Epochs are those of the authors' model card."""

    max_length: Annotated[int, Field(ge=8)] = 512
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    epochs: Annotated[float, Field(gt=0)] = 2.0
    max_steps: Literal[-1] | Annotated[int, Field(ge=1)] = -1
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] = 4
    accumulation: Annotated[int, Field(ge=1)] = 1
    warmup_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.03
    schedule: Annotated[str, AfterValidator(_known_schedule)] = "cosine"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0
    seed: int = 0
    save_steps: Annotated[int, Field(ge=1)] = 50
    logging_steps: Annotated[int, Field(ge=1)] = 5
    bf16: bool | None = None
    gradient_checkpointing: bool = False
    device: Literal["cpu", "cuda"] | None = None
    lora: LoraConfig | None = None
    roles: Annotated[Roles | None, BeforeValidator(read_roles)] = None
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise UserError for roles without adapters that they could train."""
        if self.roles is not None and self.lora is None:
            raise UserError(
                "method.roles: an adapter for each role needs method.lora, such as "
                "method.lora={rank: 16}"
            )

    @property
    def adapters(self) -> tuple[str, ...]:
        """The names of the adapters of `roles`, in their order."""
        return tuple(dict.fromkeys(role.adapter for role in (self.roles or {}).values()))


def require_defaults(config: TrainingConfig, *names: str, unread_without: str) -> None:
    """Raise UserError if a setting was changed that is not read with the other settings.

    Args:
        config: The settings of a method.
        names: The settings that are not read.
        unread_without: The setting, such as `held_out`, without which they are not read.
    """
    defaults = {each.name: each.default for each in fields(config)}
    for name in names:
        if getattr(config, name) != defaults[name]:
            raise UserError(f"method.{name}: is only read with method.{unread_without}")
