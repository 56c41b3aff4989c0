"""Settings of the tracking in wandb."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BeforeValidator

from social_sandbox.envs.settings import settings_dataclass
from social_sandbox.policies.society.account import Account

from ...data.storage.lists import one_or_many

LogModel = Literal["reference", "upload", "none"]

_Tag = Annotated[
    str, BeforeValidator(lambda tag: str(tag) if isinstance(tag, int | float) else tag)
]
"""A text, or a number such as the id of a cluster's job."""


@settings_dataclass("wandb")
class WandbConfig:
    """Where metrics go; `social-sandbox run --help wandb` explains each setting."""

    mode: Literal["auto", "online", "offline", "disabled"] = "auto"
    project: str = "social-sandbox"
    entity: str | None = None
    group: str | None = None
    name: str | None = None
    tags: Annotated[tuple[_Tag, ...], one_or_many] = ()
    log_model: LogModel = "reference"
    use_active: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCycles:
    """Sums over the earlier cycles of an online run, from which budget and step axes continue.

    Attributes:
        rounds: Rounds of the societies.
        interactions: Finished interactions.
        steps: Training steps of models.
        reward_steps: Training steps of reward models.
        account: Tokens and money that policies have spent.
    """

    rounds: int = 0
    interactions: int = 0
    steps: int = 0
    reward_steps: int = 0
    account: Account = field(default_factory=Account)
