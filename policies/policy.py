"""What a policy is: something that answers turns."""

import asyncio
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from social_sandbox.envs.turns import Turn, Utterance

from . import background


@runtime_checkable
class Policy(Protocol):
    """Answers a batch of turns; `name` stands in the records beside what it said."""

    @property
    def name(self) -> str:
        """Who spoke, in the records."""
        ...

    def act(self, turns: Sequence[Turn]) -> Sequence[Utterance]:
        """One utterance a turn, in the same order.

        A turn of phase `feedback` or `observe` asks for a rating; where none can be produced it
        is None. An answer should depend on its turn alone, not on the batch around it.
        """
        ...


@runtime_checkable
class AsyncPolicy(Policy, Protocol):
    """A policy that waits for somebody else's computer: a rollout asks it turn by turn.

    `max_concurrency` turns are under way at once, and each answer is on disk as it comes.
    """

    @property
    def max_concurrency(self) -> int:
        """Answers under way at once."""
        ...

    async def answer(self, turn: Turn) -> Utterance:
        """The answer to one turn."""
        ...


def answer_all(policy: AsyncPolicy, turns: Sequence[Turn]) -> list[Utterance]:
    """`Policy.act` for an `AsyncPolicy`: all turns, `max_concurrency` at once."""

    async def answer(turn: Turn, free: asyncio.Semaphore) -> Utterance:
        async with free:
            return await policy.answer(turn)

    async def everything() -> list[Utterance]:
        free = asyncio.Semaphore(policy.max_concurrency)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(answer(turn, free)) for turn in turns]
        return [task.result() for task in tasks]

    try:
        return background.run(everything())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
