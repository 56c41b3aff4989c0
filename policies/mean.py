"""The mean of several observers, as one observer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import RATED_PHASES, Tokens, Turn, Utterance

from .adapt import as_policy
from .policy import Policy
from .registry import build, recipe


class MeanPolicy:
    """Rates by the weighted mean of the ratings that several observers give.

    As in the mean of a society's observers, a missing rating is left out together with its weight,
    and the mean of no rating is missing. The policy cannot draft or revise.
    """

    name = "mean"
    only_rates = True
    """The policy gives no texts, such as the letter of the better of two answers."""

    def __init__(
        self,
        observers: Sequence[Any] = ("norms", "value_model"),
        weights: Sequence[float] | None = None,
    ) -> None:
        """Make the observers.

        Args:
            observers: The observers: names, mappings such as `{observer: norms, norms: [brief]}`,
                or agents as `as_policy` takes them.
            weights: The weights in the order of `observers`; None: all are 1.

        Raises:
            UserError: An observer cannot be made, or the weights do not fit.
        """
        if isinstance(observers, str) or not isinstance(observers, Sequence) or not observers:
            raise UserError(
                "policy.observers: must be a list of observers, such as [norms, value_model]"
            )
        self.observers: list[Policy] = [
            as_policy(_made(observer, f"policy.observers[{number}]"))
            for number, observer in enumerate(observers)
        ]
        self.weights = [1.0] * len(observers) if weights is None else _checked(weights, observers)

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`. Raise UserError if a turn asks for a text."""
        for turn in turns:
            if turn.phase not in RATED_PHASES:
                raise UserError(f"policy mean only rates: it cannot {turn.phase.value}")
        answers = [observer.act(turns) for observer in self.observers]
        return [self._mean(given) for given in zip(*answers, strict=True)]

    def share_rates(self, reserve: Callable[[str, float, float], float]) -> None:
        """Let all observers keep their limits per minute together with other processes."""
        for observer in self.observers:
            if share := getattr(observer, "share_rates", None):
                share(reserve)

    def _mean(self, given: Sequence[Utterance]) -> Utterance:
        rated = [
            (weight, each.rating)
            for weight, each in zip(self.weights, given, strict=True)
            if each.rating is not None and weight
        ]
        total = sum(weight for weight, _ in rated)
        tokens = sum((each.tokens for each in given), Tokens())
        text = " ".join(each.text for each in given if each.text)
        if not rated:
            errors = "; ".join(dict.fromkeys(each.error for each in given if each.error))
            return Utterance(text, policy=self.name, tokens=tokens, error=errors)
        rating = sum(weight * rating for weight, rating in rated) / total
        return Utterance(text, rating=round(rating, 4), policy=self.name, tokens=tokens)


def _made(observer: Any, section: str) -> Any:
    """Return the observer that a name or a mapping describes; an agent as it is."""
    if isinstance(observer, str):
        observer = {"observer": observer}
    if not isinstance(observer, Mapping):
        return observer
    own = dict(observer)
    name = own.pop("observer", None)
    if not isinstance(name, str):
        raise UserError(f"{section}: needs an observer, such as observer: norms")
    settings = recipe(name, "observer")
    if unknown := own.keys() - settings.keys():
        known = ", ".join(each for each in settings if each != "_target_")
        raise UserError(
            f"{section}.{min(unknown)}: no such setting of observer {name}; there are {known}"
        )
    settings |= own
    if missing := [each for each, value in settings.items() if value == "???"]:
        raise UserError(f"{section}.{missing[0]}: observer {name} needs this setting")
    return build(settings, section)


def _checked(weights: Sequence[float], observers: Sequence[Any]) -> list[float]:
    wrong = [
        each
        for each in weights
        if isinstance(each, bool) or not isinstance(each, int | float) or not 0 <= each < 1e9
    ]
    if wrong:
        raise UserError(f"policy.weights: must be at least 0, got {wrong[0]!r}")
    if len(weights) != len(observers):
        raise UserError(f"policy.weights: {len(observers)} observers need as many weights")
    if not sum(weights):
        raise UserError("policy.weights: all weights are 0")
    return [float(weight) for weight in weights]
