"""Settings of the tracking in wandb."""

from dataclasses import dataclass, field
from typing import Literal

from social_sandbox.policies.society.account import Account

LogModel = Literal["reference", "upload", "none"]


@dataclass(frozen=True, kw_only=True)
class WandbConfig:
    """Where metrics go.

    Attributes:
        mode: `auto` is what WANDB_MODE says, else online with a key and offline without.
        project: of wandb.
        entity: the person or team; None: wandb's default.
        group: runs that belong together; None: the name of the output folder.
        name: of the run; None: wandb makes one up.
        tags: of the run.
        log_model: `reference` logs where the model lies and its hash; `upload` sends the weights.
    """

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
