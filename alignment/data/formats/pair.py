"""A preference between two replies as a rated group."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from social_sandbox.envs.messages import Message
from social_sandbox.envs.turns import MIN_RATING, RATING_SCALE

from ..groups import Candidate, RatedGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRating:
    """The ratings that stand for a preference.

    People said which reply is better, and nothing of how good either is. The ratings therefore lie
    `gap` apart around the middle of the scale: the chosen above it, the rejected below.
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
        """The rating of the other one."""
        return (MIN_RATING + self.rating_scale - self.gap) / 2


def why_not(prompt: Sequence[Message], chosen: str, rejected: str) -> str | None:
    """Why nothing can be learnt from a pair; None where something can."""
    if not prompt:
        return "blank prompt"
    if prompt[-1].role != "user":
        return "prompt does not end with the user"
    if not chosen.strip() or not rejected.strip():
        return "blank reply"
    return "chosen and rejected are the same" if chosen.strip() == rejected.strip() else None


def pair_group(
    name: str,
    kind: str,
    prompt: Sequence[Message],
    replies: tuple[str, str],
    how: PairRating,
    dropped: Counter[str],
    ratings: tuple[float | None, float | None] = (None, None),
    ends: tuple[bool, bool] = (True, True),
) -> RatedGroup | None:
    """A group of two candidates, the chosen reply first; None, and counted, where it is no pair.

    `ratings` are those of the two where both are known; else they are rated as `how` says.
    """
    reason = why_not(prompt, *replies)
    better, worse = ratings
    if better is None or worse is None:
        better, worse = how.chosen, how.rejected
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
            Candidate(text.strip(), rating, how.rater, ends=end)
            for text, rating, end in zip(replies, (better, worse), ends, strict=True)
        ),
        rating_scale=how.rating_scale,
    )
