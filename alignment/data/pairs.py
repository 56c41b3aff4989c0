"""Rated groups -> pairs of a better and a worse response to one prompt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

from .groups import Candidate, RatedGroup, trainable

Pairing = Literal["all", "best_worst", "adjacent"]
PAIRINGS: tuple[Pairing, ...] = ("all", "best_worst", "adjacent")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two responses to the prompt of a group."""

    group: RatedGroup
    chosen: Candidate
    rejected: Candidate


def make_pairs(groups: Iterable[RatedGroup], pairing: Pairing, min_gap: float) -> list[Pair]:
    """Pairs whose ratings differ, by `min_gap` at least, and whose texts do.

    Args:
        groups: in the order of the pairs.
        pairing: `all` of a group; `best_worst`, its ends; `adjacent`, each level of rating with
            the next lower one. Where several candidates are rated alike, the last two take the
            first of them.
        min_gap: in units of the rating.
    """
    return [
        Pair(group, chosen, rejected)
        for group in groups
        for chosen, rejected in _of_group(group, pairing)
        if 0 < _gap(chosen, rejected) >= min_gap and chosen.text != rejected.text
    ]


def groups_of(pairs: Sequence[Pair]) -> list[RatedGroup]:
    """The groups that pairs come from, each once."""
    return list({id(pair.group): pair.group for pair in pairs}.values())


def _of_group(group: RatedGroup, pairing: Pairing) -> Iterable[tuple[Candidate, Candidate]]:
    ranked = sorted(filter(trainable, group.candidates), key=lambda c: -(c.rating or 0.0))
    if pairing == "all":
        return combinations(ranked, 2)
    levels = list({c.rating: c for c in reversed(ranked)}.values())[::-1]
    if pairing == "adjacent":
        return pairwise(levels)
    return [(levels[0], levels[-1])] if len(levels) > 1 else []


def _gap(chosen: Candidate, rejected: Candidate) -> float:
    return (chosen.rating or 0.0) - (rejected.rating or 0.0)
