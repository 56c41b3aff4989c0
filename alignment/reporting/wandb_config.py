"""Settings of the tracking in wandb."""

from dataclasses import dataclass, field
from typing import Literal

from social_sandbox.envs.settings import settings_dataclass
from social_sandbox.policies.society.account import Account

LogModel = Literal["reference", "upload", "none"]


@settings_dataclass("wandb")
class WandbConfig:
    """Where metrics go; `social-sandbox run --help wandb` explains each setting."""

    mode: Literal["auto", "online", "offline", "disabled"] = "auto"
    project: str = "social-sandbox"
    entity: str | None = None
    group: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    log_model: LogModel = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the earlier cycles of an online run came to; budget and step axes go on from there."""

    rounds: int = 0
    interactions: int = 0
    steps: int = 0
    reward_steps: int = 0
    """Of reward models."""
    account: Account = field(default_factory=Account)
