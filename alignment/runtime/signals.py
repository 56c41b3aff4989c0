"""A cluster that takes a machine back sends SIGTERM: it stops a run as Ctrl-C does."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


@contextmanager
def sigterm_stops() -> Iterator[None]:
    """Within it SIGTERM raises Terminated, so that what is open is closed in order."""

    def stop(_: int, __: FrameType | None) -> None:
        # A second one must not interrupt the closing; SIGKILL still can.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
