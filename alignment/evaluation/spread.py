"""How a norm spreads through a society: the share of answers that follow the norm.

The agents whose prior memories are well aligned (`view` is good) are the followers that the society
begins with; with `priors=norm:NAME`, their memories follow the norm and the others' break it.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import JUDGED, Judged
from social_sandbox.policies.norms import NORMS, Norm

from .intervals import estimate_mean

Way = Literal["round", "view", "distance"]
WAYS: tuple[Way, ...] = ("round", "view", "distance")
"""What parts a society."""

RESAMPLES = 2000
"""Number of bootstrap resamples of an interval."""

MOST_VALUES = 2000
"""Most interactions of which the value of every norm is kept: 100,000 would take minutes."""


Part = tuple[str, int | str, Judged]
"""A part of a society's answers: `round`, `view` or `distance`, its value, draft or revision."""


@dataclass(frozen=True, slots=True)
class Share:
    """The share of answers that follow a norm, in one part of a society.

    Attributes:
        norm: Name of the norm.
        by: What parts the society: `round`, `view` or `distance`.
        part: The part: number of the round from 0, view, or the distance on the grid to the
            nearest other agent who was born a follower, in steps of the grid, rounded down.
        judged: Whether the answers are drafts or revisions.
        mean: The mean over questions of the share of answers.
        low: Lower end of the 95 % interval over questions; None with one question.
        high: Upper end, likewise.
        questions: Number of questions.
        answers: Number of answers.
    """

    norm: str
    by: str
    part: int | str
    judged: Judged
    mean: float
    low: float | None
    high: float | None
    questions: int
    answers: int


def norm_spread(
    interactions: Sequence[Interaction], norms: Sequence[Norm], by: Sequence[Way] = WAYS
) -> list[Share]:
    """Return the shares of answers that follow norms, by round, by initial view and by distance.

    Answers to questions to which a norm does not apply are left out.

    Args:
        interactions: Interactions of one or several worlds.
        norms: Norms to check.
        by: What parts the society.
    """
    return [
        _share(norm, part, followed)
        for norm in norms
        for part, followed in followed_by_question(interactions, [norm], by).items()
    ]


def followed_by_question(
    interactions: Sequence[Interaction], norms: Sequence[Norm], by: Sequence[Way] = WAYS
) -> dict[Part, dict[str, list[bool]]]:
    """Return whether answers follow norms, by part of the society and question.

    Args:
        interactions: Interactions of one or several worlds.
        norms: Norms to check; a list has an entry for each answer and each norm that applies to it.
        by: What parts the society.
    """
    distances = _distances(interactions) if "distance" in by else {}
    ways: dict[Way, Callable[[Interaction], int | str | None]] = {
        "round": lambda interaction: interaction.round,
        "view": lambda interaction: interaction.view,
        "distance": lambda interaction: distances.get((interaction.world, interaction.agent)),
    }
    checked: list[tuple[Interaction, dict[Judged, list[bool]]]] = []
    for interaction in interactions:
        applying = [norm for norm in norms if norm.applies(interaction.question)]
        texts = (interaction.draft.text, interaction.revision.text)
        checked.append(
            (
                interaction,
                {
                    judged: [norm.is_followed(interaction.question, text) for norm in applying]
                    for judged, text in zip(JUDGED, texts, strict=True)
                },
            )
        )
    found: dict[Part, dict[str, list[bool]]] = {}
    for way in by:
        part_of = ways[way]
        parts: dict[int | str, list[tuple[Interaction, dict[Judged, list[bool]]]]]
        parts = defaultdict(list)
        for interaction, followed in checked:
            part = part_of(interaction)
            if part is not None and followed[JUDGED[0]]:
                parts[part].append((interaction, followed))
        for part in sorted(parts, key=str if way == "view" else None):
            for judged in JUDGED:
                of_part: dict[str, list[bool]] = defaultdict(list)
                for interaction, followed in parts[part]:
                    of_part[interaction.question] += followed[judged]
                found[way, part, judged] = dict(of_part)
    return found


def compare_spread(
    societies: Mapping[str, Sequence[Interaction]], norms: Sequence[Norm]
) -> list[dict[str, Any]]:
    """Return a table of several societies, such as with and without memory.

    A row has the society's name, the norm, the shares of revisions in the first and in the last
    round with the interval of the last, and the difference.
    """
    table = []
    for name, interactions in societies.items():
        shares = norm_spread(interactions, norms)
        for norm in norms:
            rounds = [
                share
                for share in shares
                if (share.norm, share.by, share.judged) == (norm.name, "round", "revision")
            ]
            if rounds:
                first, last = rounds[0], rounds[-1]
                table.append(
                    {
                        "society": name,
                        "norm": norm.name,
                        "first": first.mean,
                        "last": last.mean,
                        "low": last.low,
                        "high": last.high,
                        "change": last.mean - first.mean,
                    }
                )
    return table


def values_of_own(
    interactions: Sequence[Interaction], norms: Sequence[Norm]
) -> dict[str, dict[str, float]]:
    """Return how far each revision follows the norms that this project does not come with.

    The page of a run shows them beside this project's norms, which it computes itself; it imports
    no module of a run's author. As on the page, a society of over `MOST_VALUES` interactions has
    none.

    Returns:
        Values from 0 to 1, by the name of a norm and the id of an interaction.
    """
    if len(interactions) > MOST_VALUES:
        return {}
    return {
        norm.name: {one.id: round(norm(one.question, one.revision.text), 2) for one in interactions}
        for norm in norms
        if norm.name not in NORMS
    }


def spread_rows(shares: Sequence[Share]) -> list[dict[str, Any]]:
    """Return shares as rows of a table."""
    return [asdict(share) for share in shares]


def _share(norm: Norm, part: Part, followed: Mapping[str, Sequence[bool]]) -> Share:
    # Agents who answer the same question do not answer independently.
    means = np.array([sum(each) / len(each) for each in followed.values()])
    estimate = estimate_mean(means, RESAMPLES, 0)
    by, value, judged = part
    return Share(
        norm.name,
        by,
        value,
        judged,
        float(means.mean()),
        estimate.low if estimate else None,
        estimate.high if estimate else None,
        len(means),
        sum(map(len, followed.values())),
    )


def _distances(interactions: Sequence[Interaction]) -> dict[tuple[str, str], int]:
    """Return each agent's distance to the nearest other follower; none where there is none."""
    agents = {(i.world, i.agent): i for i in interactions}
    followers: dict[str, list[Interaction]] = defaultdict(list)
    for (world, _), interaction in agents.items():
        if interaction.view == "good":
            followers[world].append(interaction)
    return {
        (world, agent): min(math.floor(math.dist(own.position, each.position)) for each in others)
        for (world, agent), own in agents.items()
        if (others := [each for each in followers[world] if each.agent != agent])
    }
