import asyncio

import pytest

from social_sandbox.policies import background


def test_coroutines_that_are_started_together_have_futures_of_their_own() -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        if number == 2:
            raise ValueError("two")
        return 2 * number

    futures = background.start_all([double(number) for number in range(4)])
    assert [futures[at].result(5) for at in (0, 1, 3)] == [0, 2, 6]
    with pytest.raises(ValueError, match="two"):
        futures[2].result(5)


def test_a_future_that_is_cancelled_cancels_its_coroutine() -> None:
    cancelled = []

    async def sleeper(begun: asyncio.Event) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def event() -> asyncio.Event:
        return asyncio.Event()

    begun = background.run(event())
    (future,) = background.start_all([sleeper(begun)])
    background.run(asyncio.wait_for(begun.wait(), 5))
    assert future.cancel()

    async def settled() -> None:
        while not cancelled:
            await asyncio.sleep(0.01)

    background.run(asyncio.wait_for(settled(), 5))
