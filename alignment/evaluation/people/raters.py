"""The people who judge: their attention, their consistency, and the side that they prefer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...data.study import Judgement
from ..intervals import Estimate, estimate_over_clusters

SAME_WITHIN = 1
"""Rating points by which a repeated rating may differ and still counts as the same."""


@dataclass(frozen=True, slots=True)
class Rater:
    """How carefully one person judged.

    Attributes:
        name: Name or random identifier.
        judgements: Number of judgements, without checks and repeats.
        checks, passed: Number of attention checks, and of those that were passed.
        repeats, same: Number of repeats, and of those that were judged as before: the same winner
            of a pair, or ratings that differ by `SAME_WITHIN` at most.
        seconds: Median time for a judgement; None where no time is known.
    """

    name: str
    judgements: int
    checks: int
    passed: int
    repeats: int
    same: int
    seconds: float | None

    @property
    def pass_share(self) -> float | None:
        """Share of attention checks that were passed; None without a check."""
        return self.passed / self.checks if self.checks else None


def raters(judgements: Sequence[Judgement]) -> list[Rater]:
    """Return the raters of one study, in the order of their first judgement."""
    return [
        _rater(name, [each for each in judgements if each.rater == name])
        for name in dict.fromkeys(each.rater for each in judgements)
    ]


def _rater(name: str, own: Sequence[Judgement]) -> Rater:
    main = {_place(each): each for each in own if each.role == "main"}
    checks = [each.passed for each in own if each.role == "check"]
    # A repeat whose first time was never judged, as after a lost line, compares with nothing.
    repeats = [
        (main[_place(each)], each) for each in own if each.role == "repeat" and _place(each) in main
    ]
    seconds = [each.seconds for each in own if each.seconds is not None]
    return Rater(
        name,
        judgements=len(main),
        checks=len(checks),
        passed=checks.count(True),
        repeats=len(repeats),
        same=sum(_is_same(first, again) for first, again in repeats),
        seconds=float(np.median(seconds)) if seconds else None,
    )


def left_share(judgements: Iterable[Judgement], resamples: int, seed: int) -> Estimate | None:
    """Return how often the left answer of a pair was preferred, of the pairs without a tie.

    Without a preference for a side the share is one half. Attention checks are left out. The
    interval is a bootstrap interval over items; None for pairs of fewer than two items.
    """
    decided = [
        each
        for each in judgements
        if each.kind == "pair" and each.role != "check" and each.choice in ("left", "right")
    ]
    left = np.array([float(each.choice == "left") for each in decided])
    return estimate_over_clusters(left, [each.item for each in decided], resamples, seed)


def _place(judgement: Judgement) -> tuple[str, str, tuple[str, ...]]:
    """Return what a task and its repeat have in common."""
    return judgement.kind, judgement.item, tuple(sorted(judgement.models))


def _is_same(first: Judgement, again: Judgement) -> bool:
    if first.kind == "pair":
        return first.winner == again.winner
    both = ((first.alignment, again.alignment), (first.engagement, again.engagement))
    return all(
        one is not None and other is not None and abs(one - other) <= SAME_WITHIN
        for one, other in both
        if one is not None or other is not None
    )
