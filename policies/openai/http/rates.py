"""The pace of requests: limits per minute, and pauses after failures."""

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

from aiolimiter import AsyncLimiter

_LONGEST_PAUSE = 8.0
"""The longest pause between two tries, in seconds, unless the server asks for a longer one."""


PATIENCE = 600.0
"""The longest pause that a server is granted, in seconds."""


Reserve = Callable[[str, float, float], float]
"""Reserves an amount of a limit per minute, by the limit's name, for all processes that share it;
returns the seconds until the amount is allowed."""


class Limiter(Protocol):
    """A limit per minute."""

    async def acquire(self, amount: float) -> None:
        """Wait until this amount is allowed."""
        ...


class RateLimiter:
    """A limit per minute; bursts are at most as large as the allowance of one second."""

    def __init__(self, per_minute: float) -> None:
        burst = max(1.0, per_minute / 60)
        self._bucket = AsyncLimiter(burst, burst * 60 / per_minute)
        self._lock = asyncio.Lock()

    async def acquire(self, amount: float) -> None:
        """Wait until this amount is allowed, which may be larger than a burst.

        Callers are served in the order of their calls.
        """
        async with self._lock:
            while amount > 0:
                part = min(amount, self._bucket.max_rate)
                await self._bucket.acquire(part)
                amount -= part


class SharedLimiter:
    """A limit per minute that several processes keep together."""

    def __init__(self, name: str, per_minute: float, reserve: Reserve) -> None:
        """Keep the limit's name, the same in all processes, and what reserves."""
        self._name, self._per_minute, self._reserve = name, per_minute, reserve

    async def acquire(self, amount: float) -> None:
        """Wait until this amount is allowed."""
        # Another process answers, in a millisecond or later.
        pause = await asyncio.to_thread(self._reserve, self._name, self._per_minute, amount)
        await asyncio.sleep(pause)


def pause_after(failures: int, seed: object = None) -> float:
    """Return the seconds to wait after a number of failures; other seeds wait a little less."""
    longest: float = min(_LONGEST_PAUSE, 0.5 * 2.0**failures)
    return longest * (1 - 0.25 * random.Random(f"{seed} {failures}").random())
