"""The settings of `method=society_grpo`."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.settings import settings_dataclass
from social_sandbox.policies.learning.rewards import (
    CRITIC_REWARDS,
    DEFAULT_REWARDS,
    REWARDS,
    Role,
    find_reward,
)

from ...training.config import TrainingConfig, require_defaults
from .lessons import lessons_of
from .questions import check_batches


@settings_dataclass("method")
class SocietyGrpoConfig(TrainingConfig):
    """Settings of reinforcement learning in the society."""

    learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    batch_size: Annotated[int, Field(ge=1)] = 8
    role: Role = "social"
    others: Literal["policy", "learner"] = "policy"
    rewards: Annotated[list[str], Field(min_length=1)] = field(
        default_factory=lambda: [*DEFAULT_REWARDS]
    )
    weights: list[float] | None = None
    credit: Literal["row", "utterance"] = "row"
    engagement_weight: Annotated[float, Field(ge=0)] = 1.0
    generations: Annotated[int, Field(ge=2)] = 8
    max_new_tokens: Annotated[int, Field(ge=1)] = 64
    temperature: Annotated[float, Field(gt=0)] = 1.0
    scale_rewards: Literal["group", "batch", "none"] = "group"
    beta: Annotated[float, Field(ge=0)] = 0.0
    """With 0, no copy of the start model is kept in memory."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.0
    held_out_steps: Annotated[int, Field(ge=1)] = 5

    def __post_init__(self) -> None:
        """Raise UserError where settings contradict each other."""
        super().__post_init__()
        if not self.held_out:
            require_defaults(self, "held_out_steps", unread_without="held_out")
        check_batches(self.batch_size, self.accumulation, self.generations)
        if self.max_new_tokens > self.max_length // 4:
            raise UserError(
                "method.max_new_tokens: a row has two texts and their prompts: it must be at most "
                f"a quarter of method.max_length={self.max_length}, got {self.max_new_tokens}"
            )
        if len(set(self.rewards)) != len(self.rewards):
            raise UserError("method.rewards: each reward is named once; weights make one heavier")
        if self.weights is not None and len(self.weights) != len(self.rewards):
            raise UserError(
                f"method.weights: {len(self.rewards)} rewards need as many weights, "
                f"got {len(self.weights)}"
            )
        if self.roles is not None and self.role != "social":
            raise UserError("method.role: with method.roles, these say who learns")
        for name in self.rewards:
            if self.role == "social" and not (self.roles and name in CRITIC_REWARDS):
                find_reward(name, "method.rewards")

    @property
    def mix(self) -> dict[str, float]:
        """The weights of the rewards, by name."""
        weights = self.weights or [1.0] * len(self.rewards)
        return dict(zip(self.rewards, weights, strict=True))

    @property
    def asks_observers(self) -> bool:
        """Whether a reward needs the ratings of observers."""
        return any(
            lesson.role == "critic" or find_reward(name).asks_observer
            for lesson in lessons_of(self.roles, self.role)
            for name in self.rewards_of(lesson.role)
        )

    def rewards_of(self, role: Role) -> dict[str, float]:
        """Return the weights of a role's rewards: with `roles`, of those that there are for it."""
        if self.roles is None:
            return self.mix
        if role == "critic":
            known = {*CRITIC_REWARDS}
        else:
            known = {name for name in self.mix if name in REWARDS or name not in CRITIC_REWARDS}
        return {name: weight for name, weight in self.mix.items() if name in known}
