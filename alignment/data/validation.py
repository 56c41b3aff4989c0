"""Checks of rated groups before any model is loaded."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.turns import MIN_RATING

from .groups import Candidate, RatedGroup, trainable
from .parts import contrasted, contrasted_share

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
    scales = sorted({group.rating_scale for group in groups})
    if len(scales) > 1:
        raise UserError(
            f"{source}: some groups are rated on 1..{scales[0]} and on 1..{scales[-1]}; "
            "train on groups of one rating_scale at a time"
        )
    for group in groups:
        _check_group(group, source)
    candidates = [candidate for group in groups for candidate in group.candidates]
    dropped = Counter(filter(None, map(why_dropped, candidates)))
    usable = [[c for c in group.candidates if trainable(c)] for group in groups]
    if not any(usable):
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.most_common())
        raise UserError(
            f"{source}: nothing to train on in {len(groups)} groups: no valid candidate with a "
            f"rating and text{f' ({reasons})' if reasons else ''}"
        )
    ratings = [c.rating for members in usable for c in members if c.rating is not None]
    texts = Counter(
        (group.prompt, c.text)
        for group, members in zip(groups, usable, strict=True)
        for c in members
    )
    return {
        "groups": len(groups),
        "candidates": len(candidates),
        "kinds": _counts(group.kind for group in groups),
        "group_sizes": _counts(len(members) for members in usable),
        "ratings": _counts(math.floor(rating) for rating in ratings),
        "rating_scale": scales[0],
        "contrast": contrasted_share(groups),
        "dropped": dict(dropped.most_common()),
        "dropped_groups": sum(not members for members in usable),
        "cut_off": sum(not c.ends for members in usable for c in members),
        "duplicates": sum(count - 1 for count in texts.values()),
        "tied": sum(len(members) - len(contrasted(members)) for members in usable),
    }


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


def _counts(values: Iterable[Any]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}
