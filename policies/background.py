"""One event loop in a thread of its own, for policies that answer asynchronously.

A client of an API keeps connections that belong to its loop; a loop a call, as `asyncio.run` makes
it, would break them. It also works where a loop runs already, as in a notebook.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")


def start(coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Begin it in the background."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop())


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Its result. Whoever waits can be interrupted; the coroutine is cancelled then."""
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
