"""Preference pairs: a better and a worse response to one prompt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal, get_args

from social_sandbox.envs.text.messages import Message

from .groups import Candidate, RatedGroup, trainable

Pairing = Literal["all", "best_worst", "adjacent"]
PAIRINGS: tuple[Pairing, ...] = get_args(Pairing)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two responses to the prompt of a group, of which the first is preferred."""

    group: RatedGroup
    chosen: Candidate
    rejected: Candidate

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The conversation that both responses answer."""
        return self.group.prompt

    @property
    def first_question(self) -> str:
        """The user's first message: pairs that share it are about the same thing."""
        return next((m.content for m in self.prompt if m.role == "user"), "")

    @property
    def last_question(self) -> str:
        """The user's last message, to which the responses reply."""
        return next((m.content for m in reversed(self.prompt) if m.role == "user"), "")


def unrated_pair(prompt: Sequence[Message], chosen: str, rejected: str) -> Pair:
    """Return the pair of two texts of which people preferred the first and rated neither."""
    candidates = (Candidate(chosen, None), Candidate(rejected, None))
    group = RatedGroup(id="", kind="preference", prompt=tuple(prompt), candidates=candidates)
    return Pair(group, *candidates)


def make_pairs(groups: Iterable[RatedGroup], pairing: Pairing, min_gap: float) -> list[Pair]:
    """Return the pairs of candidates whose texts differ and whose ratings are `min_gap` apart.

    Candidates with equal ratings never make a pair.

    Args:
        groups: Groups in the order in which their pairs are returned.
        pairing: Which candidates of a group are paired. `all`: every two; `best_worst`: the best
            with the worst; `adjacent`: each level of rating with the next lower one. In the last
            two, the first of several candidates with one rating stands for all of them.
        min_gap: Least difference of the two ratings, in rating points.
    """
    return [
        Pair(group, chosen, rejected)
        for group in groups
        for chosen, rejected in _candidate_pairs(group, pairing)
        if 0 < _gap(chosen, rejected) >= min_gap and chosen.text != rejected.text
    ]


def _candidate_pairs(group: RatedGroup, pairing: Pairing) -> Iterable[tuple[Candidate, Candidate]]:
    ranked = sorted(filter(trainable, group.candidates), key=lambda c: -(c.rating or 0.0))
    if pairing == "all":
        return combinations(ranked, 2)
    levels = list({c.rating: c for c in reversed(ranked)}.values())[::-1]
    if pairing == "adjacent":
        return pairwise(levels)
    return [(levels[0], levels[-1])] if len(levels) > 1 else []


def _gap(chosen: Candidate, rejected: Candidate) -> float:
    return (chosen.rating or 0.0) - (rejected.rating or 0.0)
