"""What training data is like, found out before any model is loaded."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.turns import MIN_RATING

from .groups import Candidate, RatedGroup, trainable

Report = dict[str, Any]


def check_groups(groups: Sequence[RatedGroup], source: str) -> Report:
    """Counts of what is there, and of what cannot be trained on and why.

    `source` names the data in errors. Gives `groups` and `candidates` (numbers), `kinds`,
    `group_sizes` (trainable candidates -> groups), `ratings` (whole number below -> candidates),
    `rating_scale`, `contrast` (share of groups whose ratings differ), `dropped` (reason ->
    candidates), `dropped_groups`, `cut_off` and `duplicates` (candidates).

    Raises UserError for data that cannot train anything, for a rating that is not on its scale,
    and for ratings on several scales.
    """
    scales = sorted({group.rating_scale for group in groups})
    if len(scales) > 1:
        raise UserError(
            f"{source}: rated on 1..{scales[0]} and on 1..{scales[-1]}; "
            "train on groups of one rating_scale at a time"
        )
    for group in groups:
        _check_group(group, source)
    everything = [candidate for group in groups for candidate in group.candidates]
    dropped = Counter(filter(None, map(why_dropped, everything)))
    usable = [[c for c in group.candidates if trainable(c)] for group in groups]
    if not any(usable):
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.most_common())
        raise UserError(
            f"{source}: nothing to train on in {len(groups)} groups: no valid candidate with a "
            f"rating and text{f' ({reasons})' if reasons else ''}"
        )
    ratings = [c.rating for found in usable for c in found if c.rating is not None]
    said = Counter(
        (group.prompt, c.text) for group, found in zip(groups, usable, strict=True) for c in found
    )
    return {
        "groups": len(groups),
        "candidates": len(everything),
        "kinds": _counted(group.kind for group in groups),
        "group_sizes": _counted(len(found) for found in usable),
        "ratings": _counted(math.floor(rating) for rating in ratings),
        "rating_scale": scales[0],
        "contrast": float(np.mean([len({c.rating for c in found}) > 1 for found in usable])),
        "dropped": dict(dropped.most_common()),
        "dropped_groups": sum(not found for found in usable),
        "cut_off": sum(not c.ends for found in usable for c in found),
        "duplicates": sum(count - 1 for count in said.values()),
    }


def why_dropped(candidate: Candidate) -> str | None:
    """Why a candidate cannot be trained on; None where it can."""
    if trainable(candidate):
        return None
    if not candidate.text.strip():
        return "blank"
    return "unrated" if candidate.valid else "invalid"


_ENDLESS = 2**31


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


def _counted(values: Iterable[Any]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}


def _spread(lengths: Sequence[int]) -> dict[str, int]:
    if not lengths:
        return {"median": 0, "p95": 0, "max": 0}
    median, p95 = np.quantile(lengths, [0.5, 0.95], method="higher")
    return {"median": int(median), "p95": int(p95), "max": max(lengths)}
