"""Functions and objects of any kind as policies: for one turn or a batch, sync or async."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import RATED_PHASES, Turn, Utterance
from social_sandbox.envs.text.thoughts import part

from . import background
from .norms.norm import is_norm_function
from .policy import Policy, answer_all
from .prompts.ratings import parse_verdict


def as_policy(agent: Any) -> Policy:
    """Return a policy that plays an agent.

    An agent is one of these:

    - a `Policy`, which is returned as it is;
    - a function with one parameter. It answers one turn, or a batch if the parameter is called
      `turns`;
    - an object with a method `act`. The method answers a batch, or one turn if its parameter is
      called `turn`;
    - a norm: a function of `(question, answer)` or of `(question, answer, conversation)` that
      returns a number from 0 to 1. It rates, see `norms.NormsPolicy`.

    Functions and methods may be async. Async answers to single turns are awaited together, up to
    `max_concurrency` of them (an attribute of the agent; default: 16). An attribute `only_rates`
    that is true says that the agent can give ratings and no texts.

    An answer is an `Utterance`, a text (in a rated phase the rating is read from the text), a
    number (a rating without a reason), or None (no answer).

    Raises:
        UserError: The object is no agent.
    """
    method = getattr(agent, "act", None)
    call = method if callable(method) else agent
    if not callable(call) or isinstance(agent, type):
        raise UserError(f"policy: {agent!r} has no method act, and is no function")
    if call is not method and is_norm_function(call):
        from .norms.policy import NormsPolicy

        return NormsPolicy([call])
    parameter = next(iter(_parameters(call)), "")
    batch = parameter != "turn" if call is method else parameter == "turns"
    is_async = any(
        inspect.iscoroutinefunction(function)
        for function in (call, getattr(call, "__call__", None))  # noqa: B004
    )
    if batch and not is_async and isinstance(agent, Policy):
        return agent
    name = str(getattr(agent, "name", None) or getattr(agent, "__name__", type(agent).__name__))
    only_rates = bool(getattr(agent, "only_rates", False))
    if is_async and not batch:
        max_concurrency = int(getattr(agent, "max_concurrency", 16))
        return AsyncAgent(name, call, max_concurrency, only_rates)
    return Agent(name, call, batch=batch, is_async=is_async, only_rates=only_rates)


@dataclass(frozen=True, slots=True)
class Agent:
    """A function as a policy.

    Attributes:
        name: Name in the records.
        call: The function.
        batch: Whether the function answers a batch of turns, and not one turn.
        is_async: Whether the function is async.
        only_rates: Whether the agent can give ratings and no texts.
    """

    name: str
    call: Callable[..., Any]
    batch: bool
    is_async: bool = False
    only_rates: bool = False

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`. Raise UserError if the function does not return answers."""
        if not self.batch:
            return to_utterances([self.call(turn) for turn in turns], turns, self.name)
        answers = self.call(turns)
        if self.is_async:
            answers = background.run(answers)
        return to_utterances(answers, turns, self.name)


@dataclass(frozen=True, slots=True)
class AsyncAgent:
    """An async function of one turn as an `AsyncPolicy`."""

    name: str
    call: Callable[[Turn], Any]
    max_concurrency: int
    only_rates: bool = False

    async def answer(self, turn: Turn) -> Utterance:
        """See `AsyncPolicy.answer`. Raise UserError if the function does not return an answer."""
        return to_utterances([await self.call(turn)], [turn], self.name)[0]

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`."""
        return answer_all(self, turns)


def to_utterances(answers: Any, turns: Sequence[Turn], name: str) -> list[Utterance]:
    """Return the answers of an agent as utterances, see `as_policy`.

    Args:
        answers: What the agent has returned for the turns.
        turns: The turns.
        name: Name of the agent; an utterance without the name of a policy gets this name.

    Raises:
        UserError: There is not one answer for each turn, or an object is no answer.
    """
    if not isinstance(answers, Sequence) or isinstance(answers, str) or len(answers) != len(turns):
        got = type(answers).__name__
        if isinstance(answers, Sequence) and not isinstance(answers, str):
            got = f"{len(answers)} of them"
        raise UserError(
            f"policy {name}: {len(turns)} turns need a list of as many answers, got {got}"
        )
    return [_utterance(answer, turn, name) for answer, turn in zip(answers, turns, strict=True)]


def _utterance(answer: Any, turn: Turn, name: str) -> Utterance:
    try:
        utterance = _convert(answer, turn, name)
        utterance.check(turn.rating_scale)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"policy {name}: {turn.id}: {error}") from error
    return utterance


def _convert(answer: Any, turn: Turn, name: str) -> Utterance:
    rated = turn.phase in RATED_PHASES
    match answer:
        case Utterance():
            return answer if answer.policy else replace(answer, policy=name)
        case None:
            return Utterance(policy=name)
        case str() if rated and not part(answer).only_thought:
            verdict = parse_verdict(answer, turn.rating_scale)
            return Utterance(verdict.reason, verdict.rating, policy=name)
        case str():
            return Utterance(answer, policy=name)
        case bool():
            pass  # Python counts True as the number 1, which is no rating.
        case int() | float() if rated:
            return Utterance(rating=float(answer), policy=name)
    kinds = "an Utterance, a text or a number" if rated else "an Utterance or a text"
    raise UserError(f"policy {name}: {turn.id} needs {kinds}, got {type(answer).__name__}")


def _parameters(call: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(call).parameters)
    except (TypeError, ValueError):
        return []
