"""Large groups in parts, so that every candidate is read in each epoch."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import MIN_RATING

from .groups import Candidate, RatedGroup, best_rated, trainable

LEADING_SHARE = 0.1
"""Largest share of a group's candidates that lead its parts, unless more are tied with the best."""


def in_parts(groups: Iterable[RatedGroup], size: int, seed: int) -> Iterator[RatedGroup]:
    """Yield groups of at most `size` trainable candidates: small groups as they are, others parted.

    Each part has a leader, which is rated highest in the part, and other candidates of the group.
    Leaders are imitated. They are therefore the best tenth of the group, as far as it is rated
    above the midpoint of the scale, and in any case those that are rated as high as the best. They
    lead the parts in turn; every other candidate is in one part.

    Args:
        groups: Groups of any size.
        size: Most trainable candidates of a part. 1: the best candidate of a group alone, without
            the others.
        seed: Seed of the order of candidates with equal ratings.
    """
    for group in groups:
        if sum(map(trainable, group.candidates)) <= size:
            yield group
        else:
            yield from _parts(group, size, seed)


def _parts(group: RatedGroup, size: int, seed: int) -> Iterator[RatedGroup]:
    usable = [place for place, each in enumerate(group.candidates) if trainable(each)]
    ratings = {place: group.candidates[place].rating or 0.0 for place in usable}

    def rank(place: int) -> tuple[float, int]:
        return -ratings[place], key(seed, "parts", group.id, group.candidates[place].text)

    ranked = sorted(usable, key=rank)
    top = ratings[ranked[0]]
    if size == 1:
        yield replace(group, candidates=(group.candidates[ranked[0]],))
        return
    midpoint = (MIN_RATING + group.rating_scale) / 2
    n_tied = sum(ratings[place] == top for place in ranked)
    n_good = sum(ratings[place] > midpoint or ratings[place] == top for place in ranked)
    n_leaders = min(n_good, max(n_tied, math.ceil(len(ranked) * LEADING_SHARE)))
    leaders, followers = ranked[:n_leaders], ranked[n_leaders:]
    n_parts = max(n_leaders, math.ceil(len(followers) / (size - 1)))
    # A candidate that cannot be trained on is kept for the record.
    rest = [place for place in range(len(group.candidates)) if place not in ratings]
    for number in range(n_parts):
        members = [leaders[number % n_leaders], *followers[number::n_parts]]
        if number == 0:
            members += rest
        chosen = tuple(group.candidates[place] for place in sorted(members))
        yield replace(group, id=f"{group.id}/{number + 1}", candidates=chosen)


def contrasted(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the first of the best-rated trainable candidates and all lower-rated, in their order.

    Others that are rated as high as the best are left out: a contrast does not use them.
    """
    best = best_rated(candidates)
    if best is None:
        return ()
    top = best.rating or 0.0
    return tuple(c for c in candidates if c is best or (trainable(c) and (c.rating or 0.0) < top))


def contrasted_share(groups: Sequence[RatedGroup]) -> float:
    """Return the share of groups that have trainable candidates with different ratings."""
    different = sum(
        len({candidate.rating for candidate in group.candidates if trainable(candidate)}) > 1
        for group in groups
    )
    return different / len(groups) if groups else 0.0
