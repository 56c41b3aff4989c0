"""The society of a run: its worlds, who plays whom, and what it came to."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict

import krippendorff
import numpy as np

from social_sandbox.envs.interactions import Answer, Feedback, Interaction, Observation, mean
from social_sandbox.envs.turns import ASPECTS, JUDGED, Aspect, Judged
from social_sandbox.policies.society.account import Account

from ..runtime.stage import Summary


def simulation_summary(interactions: Sequence[Interaction]) -> Summary:
    """What a simulation came to: ratings, costs, what is missing, how far observers agree."""
    account = Account()
    errors = Counter[str]()
    for done in interactions:
        everything: list[Answer | Feedback | Observation] = [done.draft, done.revision]
        everything += [*done.feedback, *done.observations]
        account.add(everything)
        errors.update(reason for said in everything if (reason := _missing(said)))
    return {
        "interactions": len(interactions),
        "spent": {name: asdict(tokens) for name, tokens in sorted(account.by_policy.items())},
        "missing": dict(errors),
        "mean_reward": sum(done.reward for done in interactions) / max(len(interactions), 1),
        "rounds": ratings_by_round(interactions),
        "agreement": observer_agreement(interactions),
    }


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


def ratings_by_round(
    interactions: Sequence[Interaction],
) -> dict[int, dict[Judged, dict[Aspect, float | None]]]:
    """The observers' mean ratings of drafts and revisions in each round."""
    rounds = defaultdict(list)
    for done in interactions:
        rounds[done.round].append(done)
    return {
        number: {
            judged: {
                aspect: mean(i.rating(aspect, judged) for i in rounds[number]) for aspect in ASPECTS
            }
            for judged in JUDGED
        }
        for number in sorted(rounds)
    }


def _missing(said: Answer | Feedback | Observation) -> str:
    """Why there is nothing; empty if there is something."""
    if said.error:
        return said.error
    if isinstance(said, Answer):
        return "" if said.text.strip() else "nothing was said"
    return "nothing was rated" if said.rating is None else ""
