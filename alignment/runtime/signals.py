"""SIGTERM, which a cluster sends before it takes a machine back, stops a run as Ctrl-C does."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


@contextmanager
def sigterm_stops() -> Iterator[None]:
    """Raise Terminated on SIGTERM here, so that files and runs are closed."""

    def stop(_: int, __: FrameType | None) -> None:
        # A second SIGTERM must not interrupt the closing.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
