"""Preferences between two replies as rated groups."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from social_sandbox.envs.rules.turns import MIN_RATING, RATING_SCALE
from social_sandbox.envs.text.messages import Message

from ..groups import Candidate, RatedGroup
from .dialogue import HUMAN


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRating:
    """The ratings that stand for a preference.

    A preference says which reply is better, and not how good each reply is. The two ratings are
    therefore at equal distances from the middle of the scale.

    Attributes:
        gap: Difference of the two ratings.
        rating_scale: Ratings are on 1 to this number.
        rater: Who preferred.
    """

    gap: float = 2.0
    rating_scale: int = RATING_SCALE
    rater: str = ""

    @property
    def chosen(self) -> float:
        """The rating of the preferred reply."""
        return (MIN_RATING + self.rating_scale + self.gap) / 2

    @property
    def rejected(self) -> float:
        """The rating of the other reply."""
        return (MIN_RATING + self.rating_scale - self.gap) / 2


def why_unusable(prompt: Sequence[Message], reply: str) -> str | None:
    """Return why a reply to a prompt cannot be trained on; None where it can."""
    if not any(message.content.strip() for message in prompt):
        return "blank prompt"
    if prompt[-1].role != "user":
        return "prompt does not end with the user"
    if not reply.strip():
        return "blank reply"
    return "a reply goes on with a turn of the human" if HUMAN in reply else None


def why_not(prompt: Sequence[Message], chosen: str, rejected: str) -> str | None:
    """Return why a pair cannot be trained on; None where it can."""
    reason = why_unusable(prompt, chosen) or why_unusable(prompt, rejected)
    if reason:
        return reason
    return "chosen and rejected are the same" if chosen.strip() == rejected.strip() else None


def pair_group(
    name: str,
    kind: str,
    prompt: Sequence[Message],
    replies: tuple[str, str],
    rating: PairRating,
    dropped: Counter[str],
    ratings: tuple[float | None, float | None] = (None, None),
    ends: tuple[bool, bool] = (True, True),
) -> RatedGroup | None:
    """Return a group of two candidates, the chosen reply first.

    Args:
        name: Id of the group.
        kind: Kind of the group.
        prompt: Conversation that both replies answer.
        replies: The chosen and the rejected reply.
        rating: Ratings of a pair that has none.
        dropped: Counts pairs that cannot be trained on, by reason.
        ratings: Ratings of the two replies; used where both are given.
        ends: Whether each reply is complete.

    Returns:
        The group, or None if the pair cannot be trained on.
    """
    reason = why_not(prompt, *replies)
    better, worse = ratings
    if better is None or worse is None:
        better, worse = rating.chosen, rating.rejected
    elif better <= worse:
        reason = reason or "chosen is rated no higher than rejected"
    if reason:
        dropped[reason] += 1
        return None
    return RatedGroup(
        id=name,
        kind=kind,
        prompt=tuple(prompt),
        candidates=tuple(
            Candidate(text.strip(), value, rating.rater, ends=end)
            for text, value, end in zip(replies, (better, worse), ends, strict=True)
        ),
        rating_scale=rating.rating_scale,
    )
