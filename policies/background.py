"""One event loop in a background thread, for policies that answer asynchronously.

The connections of an API client belong to one event loop, so that `asyncio.run`, which makes a new
loop for each call, would break them. A background loop also works where another loop is already
running, as in a notebook.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")


def start(coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Start a coroutine in the background, and return the future of its result."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop())


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
