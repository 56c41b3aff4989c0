"""Settings that every trained method shares."""

import math
from dataclasses import dataclass, field, fields
from typing import Any

from pydantic import ConfigDict
from transformers.trainer_utils import SchedulerType

from social_sandbox.envs.errors import UserError


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Which low-rank adapters are trained beside the frozen weights (Hu et al. 2021)."""

    rank: int = 16
    alpha: float = 32.0
    """The adapter's output is scaled by alpha / rank."""
    dropout: float = 0.0
    target_modules: str | list[str] = "all-linear"
    """`all-linear`, or names of modules such as `[q_proj, v_proj]`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        for name, holds, what in (
            ("rank", self.rank >= 1, "at least 1"),
            ("alpha", 0 < self.alpha < math.inf, "a number above 0"),
            ("dropout", 0 <= self.dropout < 1, "in [0, 1)"),
            ("target_modules", bool(self.target_modules), "all-linear or a list of names"),
        ):
            if not holds:
                raise UserError(f"method.lora.{name} must be {what}, got {getattr(self, name)!r}")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How to train, whatever the method. Epochs are those of the authors' model card."""

    # A setting that a method does not have is an error.
    __pydantic_config__ = ConfigDict(extra="forbid")

    max_length: int = 512
    """Tokens of prompt and response."""
    learning_rate: float = 1e-4
    epochs: float = 2.0
    max_steps: int = -1
    """Optimiser steps; -1: as many as the epochs have."""
    max_tokens: int | None = None
    """Stop once so many tokens were read in training, prompts included and padding not."""
    batch_size: int = 4
    """Groups, pairs or responses of one forward pass, on each device."""
    accumulation: int = 1
    """Forward passes of one optimiser step."""
    warmup_ratio: float = 0.03
    schedule: str = "cosine"
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    seed: int = 0
    save_steps: int = 100
    logging_steps: int = 10
    bf16: bool | None = None
    """Compute in bfloat16 (trained weights stay float32); null: where the device can."""
    gradient_checkpointing: bool = False
    device: str | None = None
    """`cpu` or `cuda`; null: a GPU where there is one."""
    lora: LoraConfig | None = None
    """Train adapters instead of all weights; null: all weights."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further arguments of transformers.TrainingArguments, or of the method's own in TRL."""

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        self._require_above_zero("learning_rate", "epochs")
        self._require_not_negative("weight_decay", "max_grad_norm")
        self._require_at_least_one("batch_size", "accumulation", "save_steps", "logging_steps")
        self._require("max_length", self.max_length >= 8, "at least 8")
        self._require("max_steps", self.max_steps == -1 or self.max_steps >= 1, "-1 or above 0")
        limit = self.max_tokens
        self._require("max_tokens", limit is None or limit >= 1, "at least 1, or null")
        self._require("warmup_ratio", 0 <= self.warmup_ratio < 1, "in [0, 1)")
        schedules = [schedule.value for schedule in SchedulerType]
        self._require("schedule", self.schedule in schedules, " or ".join(schedules))
        self._require("device", self.device in (None, "cpu", "cuda"), "cpu, cuda or null")

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise UserError(f"method.{name} must be {what}, got {getattr(self, name)!r}")

    def _require_above_zero(self, *names: str) -> None:
        for name in names:
            self._require(name, 0 < getattr(self, name) < math.inf, "a number above 0")

    def _require_not_negative(self, *names: str) -> None:
        for name in names:
            self._require(name, 0 <= getattr(self, name) < math.inf, "a number not below 0")

    def _require_defaults(self, *names: str, unread_without: str) -> None:
        """An option that is not read is an error."""
        defaults = {own.name: own.default for own in fields(self)}
        for name in names:
            if getattr(self, name) != defaults[name]:
                raise UserError(f"method.{name} is only read with method.{unread_without}")

    def _require_at_least_one(self, *names: str) -> None:
        for name in names:
            self._require(name, getattr(self, name) >= 1, "at least 1")
