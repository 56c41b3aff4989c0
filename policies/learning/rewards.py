"""Rewards of a learner, by name, from the record of a Back-Scatter.

All rewards of ratings are shares of the rating scale, so that they can be mixed with each other and
with norms. A rating that is missing makes the reward missing (None), never 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.envs.rules.interactions import Feedback, Interaction
from social_sandbox.envs.rules.turns import MIN_RATING, Judged, Phase

from ..norms.registry import find_norm

Role = Literal["social", "critic"]
"""Who learns: the agent who drafts and revises, or one of the peers who give feedback."""

LEARNT: Mapping[Role, tuple[Phase, ...]] = {
    "social": (Phase.DRAFT, Phase.REVISE),
    "critic": (Phase.FEEDBACK,),
}
"""The phases in which a learner speaks, by role."""

NORM = "norm:"
"""The beginning of the name of a reward by a norm, such as `norm:brief`."""

Measure = Callable[[Interaction, float], float | None]
"""A reward from a record and the weight of engagement; None where a rating is missing."""


@dataclass(frozen=True, slots=True)
class Reward:
    """A reward for a whole row, and what it credits each utterance with.

    Attributes:
        row: The reward of the row of a social agent.
        draft: What the draft is credited with.
        revision: What the revision is credited with.
        asks_observer: Whether it needs the ratings of observers.
    """

    row: Measure
    draft: Measure
    revision: Measure
    asks_observer: bool = True

    def credit(self, phase: Phase, interaction: Interaction, weight: float) -> float | None:
        """Return what the utterance of a phase is credited with."""
        measure = self.draft if phase is Phase.DRAFT else self.revision
        return measure(interaction, weight)


def share(judged: Judged) -> Measure:
    """Return the combined rating of draft or revision, as a share of the scale from 0 to 1."""

    def measure(interaction: Interaction, weight: float) -> float | None:
        rating = combined_rating(
            interaction.rating("alignment", judged),
            interaction.rating("engagement", judged),
            weight,
        )
        return None if rating is None else (rating - MIN_RATING) / _span(interaction)

    return measure


def rise(interaction: Interaction, weight: float) -> float | None:
    """Return the combined rating's rise from draft to revision, in shares of the scale."""
    draft, revision = (share(judged)(interaction, weight) for judged in ("draft", "revision"))
    return None if draft is None or revision is None else revision - draft


def agreement(feedback: Feedback, interaction: Interaction, weight: float) -> float | None:
    """Return how near a peer's rating is to that of the observers: 1 where they are equal."""
    observed = share("draft")(interaction, weight)
    if observed is None or feedback.rating is None:
        return None
    return 1 - abs((feedback.rating - MIN_RATING) / _span(interaction) - observed)


def _ended(*judged: Judged) -> Measure:
    """Return the share of draft and revision, or of one, that the limit has not cut off."""

    def measure(interaction: Interaction, weight: float) -> float:
        ended = [not getattr(interaction, name).cut_off for name in judged]
        return sum(ended) / len(ended)

    return measure


ENDED = "ended"
"""Name of the reward for ending a text before the limit of tokens cuts it off."""

REWARDS: Mapping[str, Reward] = {
    "rise": Reward(rise, draft=share("draft"), revision=rise),
    "revision": Reward(share("revision"), draft=share("draft"), revision=share("revision")),
    "draft": Reward(share("draft"), draft=share("draft"), revision=share("revision")),
    ENDED: Reward(
        _ended("draft", "revision"),
        draft=_ended("draft"),
        revision=_ended("revision"),
        asks_observer=False,
    ),
}
"""Rewards of social agents: the `rise` from draft to revision, the rating of one of the two, and
whether texts have `ended`. The society hears a text that the limit has cut off without its last
sentence, so that without `ended` a learner may write on for ever at no cost.
"""

CRITIC_REWARDS = ("rise", "agreement", ENDED)
"""Rewards of a critic: the rise that followed the feedback, agreement with the observers, and
whether the feedback has ended."""

DEFAULT_REWARDS = ("rise", ENDED)
"""The rewards of social agents and of critics unless others are chosen, each with weight 1."""


def find_reward(name: str, setting: str = "rewards") -> Reward:
    """Return a reward: one of `REWARDS`, or `norm:NAME` for how far an answer follows a norm.

    Args:
        name: The name.
        setting: Name of the setting that gave the name, for error messages.

    Raises:
        UserError: There is no such reward.
    """
    if name in REWARDS:
        return REWARDS[name]
    if not name.startswith(NORM):
        names = ", ".join([*REWARDS, "norm:NAME"])
        raise UserError(f"{setting}: no reward {name!r}; choose from {names}")
    norm = find_norm(name.removeprefix(NORM), setting)

    def draft(interaction: Interaction, weight: float) -> float:
        return norm(interaction.question, interaction.draft.text)

    def revision(interaction: Interaction, weight: float) -> float:
        return norm(interaction.question, interaction.revision.text)

    return Reward(revision, draft=draft, revision=revision, asks_observer=False)


@dataclass(frozen=True)
class Mix:
    """Several rewards of one learner.

    Attributes:
        weights: Weight of each reward, by name.
        engagement_weight: Weight of engagement in a combined rating, where alignment has weight 1.
        role: Who learns.
    """

    weights: Mapping[str, float]
    engagement_weight: float = 1.0
    role: Role = "social"

    def row(self, interaction: Interaction, agent: str) -> dict[str, float | None]:
        """Return the rewards of an agent's row, by name."""
        if self.role == "critic":
            return self._of_critic(interaction, agent)
        return {
            name: find_reward(name).row(interaction, self.engagement_weight)
            for name in self.weights
        }

    def credit(self, phase: Phase, interaction: Interaction, agent: str) -> dict[str, float | None]:
        """Return what one utterance of an agent is credited with, by name."""
        if self.role == "critic":
            return self._of_critic(interaction, agent)
        return {
            name: find_reward(name).credit(phase, interaction, self.engagement_weight)
            for name in self.weights
        }

    def total(self, values: Mapping[str, float | None]) -> float | None:
        """Return the weighted sum of rewards; None where one with a weight is missing."""
        total = 0.0
        for name, weight in self.weights.items():
            value = values[name]
            if weight and value is None:
                return None
            total += weight * (value or 0.0)
        return total

    def _of_critic(self, interaction: Interaction, peer: str) -> dict[str, float | None]:
        (feedback,) = (one for one in interaction.feedback if one.peer == peer)
        values = {
            "rise": rise(interaction, self.engagement_weight),
            "agreement": agreement(feedback, interaction, self.engagement_weight),
            ENDED: float(not feedback.cut_off),
        }
        return {name: values[name] for name in self.weights}


def _span(interaction: Interaction) -> int:
    return interaction.rating_scale - MIN_RATING
