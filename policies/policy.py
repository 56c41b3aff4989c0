"""The protocols of policies: objects that answer turns."""

import asyncio
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from social_sandbox.envs.rules.turns import Turn, Utterance

from . import background


@runtime_checkable
class Policy(Protocol):
    """Answers turns in batches."""

    @property
    def name(self) -> str:
        """The name of the speaker in the records."""
        ...

    def act(self, turns: Sequence[Turn]) -> Sequence[Utterance]:
        """Return one utterance for each turn, in the order of the turns.

        A turn of phase `feedback` or `observe` asks for a rating; None means that no rating can
        be given. An answer should depend on its turn alone, and not on the other turns.
        """
        ...


@runtime_checkable
class AsyncPolicy(Policy, Protocol):
    """A policy that waits for another computer: a rollout asks for one turn at a time.

    Up to `max_concurrency` turns are in progress at once, and each answer is recorded as soon as
    it arrives.
    """

    @property
    def max_concurrency(self) -> int:
        """The largest number of turns in progress."""
        ...

    async def answer(self, turn: Turn) -> Utterance:
        """Return the answer to one turn."""
        ...


def answer_all(policy: AsyncPolicy, turns: Sequence[Turn]) -> list[Utterance]:
    """Answer all turns with an `AsyncPolicy`, up to `max_concurrency` of them at once.

    The first exception of an answer is raised; the other answers are cancelled then.
    """

    async def answer(turn: Turn, semaphore: asyncio.Semaphore) -> Utterance:
        async with semaphore:
            return await policy.answer(turn)

    async def gather() -> list[Utterance]:
        semaphore = asyncio.Semaphore(policy.max_concurrency)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(answer(turn, semaphore)) for turn in turns]
        return [task.result() for task in tasks]

    try:
        return background.run(gather())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
