"""Checks of rated groups before any model is loaded."""

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import MIN_RATING

from .groups import Candidate, RatedGroup, trainable
from .parts import contrasted

Report = dict[str, Any]


def check_groups(groups: Sequence[RatedGroup], source: str) -> Report:
    """Check groups and count their candidates.

    Args:
        groups: Groups to check.
        source: Name of the data, for error messages.

    Returns:
        The numbers of `groups` and `candidates`; `kinds` (groups by kind); `group_sizes` (groups by
        number of trainable candidates); `ratings` (candidates by rating, rounded down);
        `rating_scale`; `contrast` (share of groups whose ratings differ); `dropped` (candidates
        that cannot be trained on, by reason); `dropped_groups`; and the numbers of candidates that
        are `cut_off` by a limit of tokens, `duplicates`, or `tied`: rated as high as the best of
        their group, so that a contrast does not use them.

    Raises:
        UserError: No candidate can be trained on, a rating is not on its scale, or the groups have
            several scales.
    """
    scales: set[int] = set()
    kinds: Counter[str] = Counter()
    sizes: Counter[int] = Counter()
    ratings: Counter[int] = Counter()
    dropped: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    # A number for each text under its prompt, by which the same ones are counted.
    texts = array("q")
    for group in groups:
        scales.add(group.rating_scale)
        if len(scales) > 1:
            low, high = sorted(scales)
            raise UserError(
                f"{source}: some groups are rated on 1..{low} and on 1..{high}; "
                "train on groups of one rating_scale at a time"
            )
        _check_group(group, source)
        members = [candidate for candidate in group.candidates if trainable(candidate)]
        kinds[group.kind] += 1
        sizes[len(members)] += 1
        dropped.update(filter(None, map(why_dropped, group.candidates)))
        ratings.update(math.floor(c.rating) for c in members if c.rating is not None)
        texts.extend(hash((group.prompt, candidate.text)) for candidate in members)
        counts["candidates"] += len(group.candidates)
        counts["cut_off"] += sum(not candidate.ends for candidate in members)
        counts["tied"] += len(members) - len(contrasted(members))
        counts["contrast"] += len({candidate.rating for candidate in members}) > 1
    if not texts:
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.most_common())
        raise UserError(
            f"{source}: nothing to train on in {len(groups)} groups: no valid candidate with a "
            f"rating and text{f' ({reasons})' if reasons else ''}"
        )
    return {
        "groups": len(groups),
        "candidates": counts["candidates"],
        "kinds": _counts(kinds),
        "group_sizes": _counts(sizes),
        "ratings": _counts(ratings),
        "rating_scale": min(scales),
        "contrast": counts["contrast"] / len(groups),
        "dropped": dict(dropped.most_common()),
        "dropped_groups": sizes[0],
        "cut_off": counts["cut_off"],
        "duplicates": _repeated(texts),
        "tied": counts["tied"],
    }


def _repeated(numbers: "array[int]") -> int:
    """Return how many of the numbers, which it sorts, repeat another one."""
    # In their own memory: there may be millions.
    view = np.frombuffer(numbers, dtype=np.int64)
    view.sort()
    return int(np.count_nonzero(view[1:] == view[:-1]))


def why_dropped(candidate: Candidate) -> str | None:
    """Return why a candidate cannot be trained on; None where it can."""
    if trainable(candidate):
        return None
    if not candidate.text.strip():
        return "blank"
    return "unrated" if candidate.valid else "invalid"


def _check_group(group: RatedGroup, source: str) -> None:
    if not group.prompt or group.prompt[-1].role != "user":
        raise UserError(f"{source}: the prompt of group {group.id} does not end with the user")
    for candidate in group.candidates:
        rating = candidate.rating
        if rating is None or not math.isfinite(rating):
            continue
        if not MIN_RATING <= rating <= group.rating_scale:
            raise UserError(
                f"{source}: group {group.id} has a rating of {rating:g}, which is not on its "
                f"scale of 1 to {group.rating_scale}"
            )


def _counts(numbers: Counter[Any]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(numbers.items())}
