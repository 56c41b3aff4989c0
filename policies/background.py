"""One event loop in a background thread, for policies that answer asynchronously.

The connections of an API client belong to one event loop, so that `asyncio.run`, which makes a new
loop for each call, would break them. A background loop also works where another loop is already
running, as in a notebook.
"""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")


def start(coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Start a coroutine in the background, and return the future of its result."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop())


def start_all(coroutines: Sequence[Coroutine[Any, Any, Result]]) -> list[Future[Result]]:
    """Start coroutines in the background together, and return the futures of their results.

    The loop is woken once for all of them. A future that is cancelled cancels its coroutine.
    """
    futures: list[Future[Result]] = [Future() for _ in coroutines]
    loop = _loop()

    def begin() -> None:
        for coroutine, future in zip(coroutines, futures, strict=True):
            task = loop.create_task(coroutine)
            _follow(task, future, loop)

    loop.call_soon_threadsafe(begin)
    return futures


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in the background, and wait for its result.

    An interruption of the waiting thread, as by Ctrl-C, cancels the coroutine.
    """
    future = start(coroutine)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="social-sandbox", daemon=True).start()
    return loop


def _follow(
    task: asyncio.Task[Result], future: Future[Result], loop: asyncio.AbstractEventLoop
) -> None:
    """Give a future the result of a task, and cancel the task when the future is cancelled."""

    def finished(task: asyncio.Task[Result]) -> None:
        if task.cancelled():
            future.cancel()
        elif not future.set_running_or_notify_cancel():
            task.exception()  # nobody else asks for it
        elif error := task.exception():
            future.set_exception(error)
        else:
            future.set_result(task.result())

    def cancelled(future: Future[Result]) -> None:
        if future.cancelled() and not task.done():
            loop.call_soon_threadsafe(task.cancel)

    task.add_done_callback(finished)
    future.add_done_callback(cancelled)
