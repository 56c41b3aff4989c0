"""Anybody's agent as a policy: functions and objects, for one turn or a batch, sync or async."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.turns import RATED_PHASES, Turn, Utterance

from . import background
from .policy import Policy, answer_all
from .prompts.ratings import parse_verdict


def as_policy(agent: Any) -> Policy:
    """Anybody's agent as a policy.

    A policy is returned as it is. A function answers one turn, or a batch if its parameter is
    called `turns`; the method `act` of an object answers a batch, or one turn if its parameter is
    called `turn`. Both may be async; async answers to single turns are waited for together, as
    many as the agent's `max_concurrency` (16 where it has none). An agent that has `only_rates`
    set is never asked for a text by a comparison of models.

    An answer is an `Utterance`, a text (where a rating is asked for, it is read out of the text),
    a number (a rating without a reason), or None (nothing could be said).

    Raises UserError for what is no agent.
    """
    method = getattr(agent, "act", None)
    call = method if callable(method) else agent
    if not callable(call) or isinstance(agent, type):
        raise UserError(f"policy: {agent!r} has no method act, and is no function")
    parameter = next(iter(_parameters(call)), "")
    batch = parameter != "turn" if call is method else parameter == "turns"
    waits = any(
        inspect.iscoroutinefunction(function)
        for function in (call, getattr(call, "__call__", None))  # noqa: B004
    )
    if batch and not waits and isinstance(agent, Policy):
        return agent
    name = str(getattr(agent, "name", None) or getattr(agent, "__name__", type(agent).__name__))
    rates = bool(getattr(agent, "only_rates", False))
    if waits and not batch:
        return AsyncAgent(name, call, int(getattr(agent, "max_concurrency", 16)), rates)
    return Agent(name, call, batch=batch, waits=waits, only_rates=rates)


@dataclass(frozen=True, slots=True)
class Agent:
    """A function as a policy."""

    name: str
    call: Callable[..., Any]
    batch: bool
    waits: bool = False
    only_rates: bool = False

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`. Raises UserError for answers that are none."""
        if not self.batch:
            return checked([self.call(turn) for turn in turns], turns, self.name)
        said = self.call(turns)
        return checked(background.run(said) if self.waits else said, turns, self.name)


@dataclass(frozen=True, slots=True)
class AsyncAgent:
    """An async function of one turn as a policy; see `AsyncPolicy`."""

    name: str
    call: Callable[[Turn], Any]
    max_concurrency: int
    only_rates: bool = False

    async def answer(self, turn: Turn) -> Utterance:
        """See `AsyncPolicy.answer`. Raises UserError for an answer that is none."""
        return checked([await self.call(turn)], [turn], self.name)[0]

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`."""
        return answer_all(self, turns)


def checked(said: Any, turns: Sequence[Turn], name: str) -> list[Utterance]:
    """What a policy said, as utterances that bear its name. Raises UserError for anything else."""
    if not isinstance(said, Sequence) or isinstance(said, str) or len(said) != len(turns):
        got = type(said).__name__
        if isinstance(said, Sequence) and not isinstance(said, str):
            got = f"{len(said)} of them"
        raise UserError(
            f"policy {name}: {len(turns)} turns need a list of as many answers, got {got}"
        )
    return [_utterance(one, turn, name) for one, turn in zip(said, turns, strict=True)]


def _utterance(said: Any, turn: Turn, name: str) -> Utterance:
    utterance = _made(said, turn, name)
    try:
        utterance.check(turn.rating_scale)
    except ValueError as error:
        raise UserError(f"policy {name}: {turn.id}: {error}") from error
    return utterance


def _made(said: Any, turn: Turn, name: str) -> Utterance:
    rated = turn.phase in RATED_PHASES
    try:
        match said:
            case Utterance():
                return said if said.policy else replace(said, policy=name)
            case None:
                return Utterance(policy=name)
            case str() if rated:
                verdict = parse_verdict(said, turn.rating_scale)
                return Utterance(verdict.reason, verdict.rating, policy=name)
            case str():
                return Utterance(said, policy=name)
            case bool():
                pass
            case int() | float() if rated:
                return Utterance(rating=float(said), policy=name)
    except ValueError as error:
        raise UserError(f"policy {name}: {turn.id}: {error}") from error
    wanted = "an Utterance, a text or a number" if rated else "an Utterance or a text"
    raise UserError(f"policy {name}: {turn.id} needs {wanted}, got {type(said).__name__}")


def _parameters(call: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(call).parameters)
    except (TypeError, ValueError):
        return []
