"""What the workers of one simulation share: what was spent, limits of rates, and the order to stop.

The ledger lives in the driver, which serves it to its workers over `multiprocessing.connection`,
with a key that is made for the run. Messages are JSON, since a pickle could run code. Workers say
what their world has cost in all, attempts before theirs included, so that nothing is lost or
counted twice when a worker dies.
"""

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Protocol

from pydantic import TypeAdapter

from ..account import Account, Budget, BudgetReached

_SILENCE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""A machine that has vanished without a word is noticed after 30 s and six questions of 10 s."""


@dataclass(frozen=True)
class Report:
    """How far a worker is with its world.

    Attributes:
        world: Name of the world.
        interactions: Interactions that are finished.
        expected: Interactions that the world will have, if nothing ends it early.
        answers: Answers so far.
        account: What the world has cost so far.
    """

    world: str
    interactions: int = 0
    expected: int = 0
    answers: int = 0
    account: Account = field(default_factory=Account)


_REPORT = TypeAdapter(Report)


class Shared(Protocol):
    """The ledger as a worker sees it, over a connection or in its own process."""

    def report(self, worker: int, report: Report) -> str:
        """Record how far a worker is, and return why it has to stop; empty: it has not."""
        ...

    def reserve(self, limit: str, per_minute: float, amount: float) -> float:
        """Return the seconds to wait until an amount is allowed, which is reserved from then on."""
        ...


class Ledger:
    """What the workers of a simulation share; see `Shared` for what workers may call."""

    def __init__(self, budget: Budget | None = None, worlds: dict[str, Report] | None = None):
        """Create the ledger.

        Args:
            budget: Limits over all worlds.
            worlds: What was known of each world when the driver started.
        """
        self._budget = budget or Budget()
        self._worlds = dict(worlds or {})
        self._workers: dict[int, Report] = {}
        self._free: dict[str, float] = {}
        self._stop = ""
        self._lock = Lock()

    def report(self, worker: int, report: Report) -> str:
        """See `Shared.report`."""
        with self._lock:
            self._workers[worker] = report
            self._worlds[report.world] = report
            if not self._stop:
                try:
                    self._account().check(self._budget)
                except BudgetReached as reached:
                    self._stop = str(reached)
            return self._stop

    def reserve(self, limit: str, per_minute: float, amount: float) -> float:
        """See `Shared.reserve`; bursts are at most as large as the allowance of one second."""
        with self._lock:
            now = monotonic()
            # The limit is free again at this time, and a second earlier for a burst.
            free = max(self._free.get(limit, 0.0), now - 1.0)
            self._free[limit] = free + amount * 60 / per_minute
            return max(0.0, free - now)

    def stop(self, why: str) -> None:
        """Tell all workers to stop as soon as their answers under way have arrived."""
        with self._lock:
            self._stop = self._stop or why

    @property
    def stopped(self) -> str:
        """Why the workers were told to stop; empty if they were not."""
        return self._stop

    @property
    def account(self) -> Account:
        """What all worlds have cost so far."""
        with self._lock:
            return self._account()

    @property
    def workers(self) -> dict[int, Report]:
        """The last report of each worker."""
        with self._lock:
            return dict(self._workers)

    @property
    def worlds(self) -> dict[str, Report]:
        """The last report of each world."""
        with self._lock:
            return dict(self._worlds)

    def _account(self) -> Account:
        return sum((report.account for report in self._worlds.values()), Account())


@dataclass(frozen=True)
class Address:
    """Where a ledger is served, and the key to it."""

    host: str
    port: int
    key: bytes = field(repr=False)


@contextmanager
def served(ledger: Ledger, host: str) -> Iterator[Address]:
    """Serve a ledger on a host's address while the context is open."""
    key = secrets.token_bytes(32)
    with Listener((host, 0), backlog=128) as listener:
        closing = Event()
        thread = Thread(target=_serve, args=(listener, ledger, key, closing), daemon=True)
        thread.start()
        port = int(listener.address[1])
        try:
            yield Address(host, port, key)
        finally:
            closing.set()
            # Nothing else wakes a thread that waits for a connection.
            with suppress(OSError), socket.create_connection((host, port), timeout=5):
                pass
            thread.join(timeout=5)


def _serve(listener: Listener, ledger: Ledger, key: bytes, closing: Event) -> None:
    while not closing.is_set():
        with suppress(OSError):
            connection = listener.accept()
            # The key is asked for there: whoever connects and falls silent holds up nobody.
            Thread(target=_answer, args=(connection, ledger, key), daemon=True).start()


def _answer(connection: Connection, ledger: Ledger, key: bytes) -> None:
    """Answer the calls of one worker, which has the key, until its connection ends."""
    with suppress(AuthenticationError, EOFError, OSError), connection:
        _notice_silence(connection)
        deliver_challenge(connection, key)
        answer_challenge(connection, key)
        while True:
            name, *arguments = json.loads(connection.recv_bytes())
            if name == "report":
                worker, report = arguments
                answer: str | float = ledger.report(worker, _REPORT.validate_python(report))
            else:
                answer = ledger.reserve(*arguments)
            connection.send_bytes(json.dumps(answer).encode())


def _notice_silence(connection: Connection) -> None:
    """Let the system ask whether the other machine is still there, where it can."""
    with socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _SILENCE.items():
            if hasattr(socket, name):
                end.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class RemoteLedger:
    """The ledger at an address; see `Shared`."""

    def __init__(self, address: Address) -> None:
        """Connect.

        Raises:
            OSError: There is no ledger, or it cannot be reached.
        """
        self._connection = Client((address.host, address.port), authkey=address.key)
        _notice_silence(self._connection)
        self._lock = Lock()

    def report(self, worker: int, report: Report) -> str:
        """See `Shared.report`."""
        return str(self._call("report", worker, _REPORT.dump_python(report, mode="json")))

    def reserve(self, limit: str, per_minute: float, amount: float) -> float:
        """See `Shared.reserve`."""
        return float(self._call("reserve", limit, per_minute, amount))

    def _call(self, *call: Any) -> Any:
        # Threads take turns: a request and its answer belong together.
        with self._lock:
            self._connection.send_bytes(json.dumps(call).encode())
            return json.loads(self._connection.recv_bytes())
