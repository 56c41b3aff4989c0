"""Statistics of a simulated society: ratings by round, costs, agreement of its observers."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from social_sandbox.envs.rules.interactions import Answer, Feedback, Interaction, Observation, mean
from social_sandbox.envs.rules.turns import ASPECTS, JUDGED, RATING_SCALE, Aspect, Judged
from social_sandbox.policies.society.account import Account
from social_sandbox.policies.society.prefixes import shared_prefixes

from ..runtime.stage import Summary
from .agreement import krippendorff_alpha


def rating_scale(interactions: Sequence[Interaction]) -> int:
    """Return the highest rating of the scale of interactions."""
    return max((interaction.rating_scale for interaction in interactions), default=RATING_SCALE)


def simulation_summary(interactions: Sequence[Interaction]) -> Summary:
    """Summarise a simulation: costs, missing utterances, ratings, agreement of the observers."""
    account = Account()
    errors = Counter[str]()
    for interaction in interactions:
        utterances: list[Answer | Feedback | Observation] = [
            interaction.draft,
            interaction.revision,
            *interaction.feedback,
            *interaction.observations,
        ]
        account.add(utterances)
        errors.update(reason for utterance in utterances if (reason := _why_missing(utterance)))
    n = len(interactions)
    return {
        "interactions": n,
        "spent": {name: asdict(tokens) for name, tokens in sorted(account.by_policy.items())},
        "shared_prefixes": shared_prefixes(interactions),
        "missing": dict(errors),
        "mean_reward": sum(interaction.reward for interaction in interactions) / max(n, 1),
        "rounds": ratings_by_round(interactions),
        "agreement": observer_agreement(interactions),
    }


def observer_agreement(interactions: Sequence[Interaction]) -> dict[Aspect, float | None]:
    """Return Krippendorff's alpha (interval) of the observers' ratings of drafts and revisions.

    1 is perfect agreement, 0 the agreement that chance would give. The value is None with fewer
    than two observers and where all ratings are equal.
    """
    return {aspect: _alpha(interactions, aspect) for aspect in ASPECTS}


def _alpha(interactions: Sequence[Interaction], aspect: Aspect) -> float | None:
    units: dict[tuple[str, str], dict[str, float]] = {}
    for interaction in interactions:
        for observation in interaction.observations:
            if observation.aspect == aspect and observation.rating is not None:
                unit = units.setdefault((interaction.id, observation.judged), {})
                unit[observation.observer] = observation.rating
    return krippendorff_alpha(units.values())


def by_round(interactions: Iterable[Interaction]) -> dict[int, list[Interaction]]:
    """Return the interactions of each round, from the first round to the last."""
    rounds: dict[int, list[Interaction]] = defaultdict(list)
    for interaction in interactions:
        rounds[interaction.round].append(interaction)
    return dict(sorted(rounds.items()))


def ratings_by_round(
    interactions: Sequence[Interaction],
) -> dict[int, dict[Judged, dict[Aspect, float | None]]]:
    """Return the observers' mean ratings of drafts and revisions in each round."""
    return {
        number: {
            judged: {aspect: mean(i.rating(aspect, judged) for i in of_round) for aspect in ASPECTS}
            for judged in JUDGED
        }
        for number, of_round in by_round(interactions).items()
    }


def _why_missing(utterance: Answer | Feedback | Observation) -> str:
    """Return why an utterance is missing; an empty text where it is not."""
    if utterance.error:
        return utterance.error
    if isinstance(utterance, Answer):
        return "" if utterance.text.strip() else "no text was written"
    return "no rating was given" if utterance.rating is None else ""
