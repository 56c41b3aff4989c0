"""The observer that rates by norms: no model, and the same rating for the same answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import MIN_RATING, RATED_PHASES, Aspect, Turn, Utterance
from social_sandbox.envs.text.messages import Conversation

from .norm import FOLLOWED, Norm
from .registry import find_norm

Given = Sequence[str | Norm | Callable[..., float]]
"""Norms by name, by import path, or as functions."""


class NormsPolicy:
    """Rates answers by norms that a function checks.

    The rating is `1 + (rating_scale - 1) * value`, where `value` is the weighted mean of the norms'
    values: 1 where no norm is followed, and the highest rating where all are. In `feedback` the
    policy rates the draft by the norms of alignment. It cannot draft or revise.
    """

    name = "norms"
    """The name in the records."""
    only_rates = True
    """The policy gives no texts, such as the letter of the better of two answers."""

    def __init__(
        self,
        norms: Given = ("asks_back", "brief"),
        weights: Sequence[float] | Mapping[str, float] | None = None,
        alignment: Given | None = None,
        engagement: Given | None = None,
    ) -> None:
        """Look the norms up.

        Args:
            norms: The norms that an answer is rated by.
            weights: Weights by name, or in the order of `norms`; a norm without one has weight 1.
            alignment: Norms for the rating of alignment; None means `norms`.
            engagement: Norms for the rating of engagement; None means `norms`.

        Raises:
            UserError: There is no such norm, or a weight is wrong.
        """
        shared = _found(norms, "norms")
        self._norms: dict[Aspect, tuple[Norm, ...]] = {
            "alignment": shared if alignment is None else _found(alignment, "alignment"),
            "engagement": shared if engagement is None else _found(engagement, "engagement"),
        }
        names = [norm.name for norm in shared]
        known = {norm.name for each in self._norms.values() for norm in each} | {*names}
        self._weights = dict.fromkeys(known, 1.0) | _weights(weights, norms, names, known)
        for aspect, each in self._norms.items():
            if not sum(self._weights[norm.name] for norm in each):
                raise UserError(f"policy.weights: all norms of {aspect} have weight 0")

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`.

        Raises:
            UserError: A turn asks for a text, or a norm of your own fails.
        """
        for turn in turns:
            if turn.phase not in RATED_PHASES:
                raise UserError(f"policy norms only rates: it cannot {turn.phase.value}")
        values: dict[tuple[str, str, Conversation, Aspect], dict[str, float]] = {}
        utterances = []
        for turn in turns:
            aspect = turn.aspect or "alignment"
            asked = (turn.question, turn.answer, turn.earlier, aspect)
            if asked not in values:
                values[asked] = self.values(turn.question, turn.answer, aspect, turn.earlier)
            utterances.append(self._rated(turn, aspect, values[asked]))
        return utterances

    def values(
        self, question: str, answer: str, aspect: Aspect = "alignment", earlier: Conversation = ()
    ) -> dict[str, float]:
        """Return how far an answer follows each norm of an aspect, from 0 to 1, by name."""
        return {norm.name: norm(question, answer, earlier) for norm in self._norms[aspect]}

    def _rated(self, turn: Turn, aspect: Aspect, values: Mapping[str, float]) -> Utterance:
        total = sum(self._weights[name] for name in values)
        value = sum(self._weights[name] * each for name, each in values.items()) / total
        rating = MIN_RATING + (turn.rating_scale - MIN_RATING) * value
        reason = _reason(self._norms[aspect], values) if turn.reason else ""
        return Utterance(reason, rating=round(rating, 4), policy=self.name)


def _reason(norms: Sequence[Norm], values: Mapping[str, float]) -> str:
    """Return in one sentence what an answer lacks, such as that it asks nothing back."""
    broken = [norm for norm in norms if values[norm.name] < FOLLOWED]
    if not broken:
        return f"Follows {', '.join(values)}."
    words = [f"{n.name} ({n.missing})" if n.missing else n.name for n in broken]
    return f"Missing: {', '.join(words)}."


def _found(norms: Given, setting: str) -> tuple[Norm, ...]:
    setting = f"policy.{setting}"
    if isinstance(norms, str) or not isinstance(norms, Sequence):
        raise UserError(f"{setting}: must be a list of norms, such as [asks_back, brief]")
    found = tuple(find_norm(norm, setting) for norm in norms)
    names = [norm.name for norm in found]
    if not found:
        raise UserError(f"{setting}: name one norm at least")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"{setting}: {twice[0]} is named twice; `weights` can make a norm heavier")
    return found


def _weights(weights: Any, norms: Given, names: Sequence[str], known: set[str]) -> dict[str, float]:
    """Return the given weights by the names of norms; the names may be import paths."""
    if weights is None:
        return {}
    if isinstance(weights, Mapping):
        by_given = {str(given): name for given, name in zip(norms, names, strict=True)}
        pairs = [(by_given.get(str(name), str(name)), value) for name, value in weights.items()]
    elif isinstance(weights, Sequence) and not isinstance(weights, str):
        if len(weights) != len(names):
            raise UserError(f"policy.weights: {len(names)} norms need as many weights")
        pairs = list(zip(names, weights, strict=True))
    else:
        raise UserError("policy.weights: must be a list, or a mapping such as {asks_back: 2}")
    for name, value in pairs:
        if name not in known:
            raise UserError(
                f"policy.weights: {name!r} is none of the norms {', '.join(sorted(known))}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise UserError(
                f"policy.weights: the weight of {name} must be at least 0, got {value!r}"
            )
    return {name: float(value) for name, value in pairs}
