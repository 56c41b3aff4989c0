"""How far several observers agree."""

from collections.abc import Sequence

import krippendorff
import numpy as np

from social_sandbox.envs.interactions import Interaction
from social_sandbox.envs.turns import ASPECTS, Aspect


def observer_agreement(interactions: Sequence[Interaction]) -> dict[Aspect, float | None]:
    """Krippendorff's alpha (interval) of the observers' ratings of drafts and revisions.

    1 is perfect agreement, 0 what chance would give. None with less than two observers, or where
    nothing varies.
    """
    return {aspect: _alpha(interactions, aspect) for aspect in ASPECTS}


def _alpha(interactions: Sequence[Interaction], aspect: Aspect) -> float | None:
    units: dict[tuple[str, str], dict[str, float]] = {}
    for done in interactions:
        for seen in done.observations:
            if seen.aspect == aspect and seen.rating is not None:
                units.setdefault((done.id, seen.judged), {})[seen.observer] = seen.rating
    observers = sorted({name for ratings in units.values() for name in ratings})
    if len(observers) < 2:
        return None
    table = np.array(
        [[ratings.get(name, np.nan) for ratings in units.values()] for name in observers]
    )
    compared = table[:, np.isfinite(table).sum(0) > 1]
    if not compared.size or np.nanmin(compared) == np.nanmax(compared):
        return None
    return float(krippendorff.alpha(reliability_data=compared, level_of_measurement="interval"))
