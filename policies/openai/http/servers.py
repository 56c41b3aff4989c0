"""The servers of one policy: the least busy one is asked, and one that fails rests for a while."""

import asyncio
import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

from ..config import ApiConfig
from .connection import Connection, Sender
from .failures import Failure
from .library import LibraryConnection
from .rates import PATIENCE

if TYPE_CHECKING:
    import openai

log = logging.getLogger(__name__)

_FIRST_REST, _LONGEST_REST = 1.0, 30.0
"""Seconds for which a server is left out after its first failure, and after many in a row."""

SPEAK_OF_SERVER = frozenset({0, 429, 502, 503, 504, 529})
"""Status codes that speak of the server and not of the request; 0 is no answer at all."""


@dataclass(frozen=True)
class Endpoint:
    """Where a server loads and unloads adapters; see `adapters`.

    Attributes:
        root: The path from the address of the server to `/load_lora_adapter`.
        named: Whether the name of an adapter stands behind that of its model, as with SGLang.
    """

    root: str
    named: bool

    def model(self, model: str, adapter: str) -> str:
        """Return how a request names an adapter of a model."""
        return f"{model}:{adapter}" if self.named else adapter


@dataclass(eq=False)
class Server:
    """A server, and what is known about it.

    Attributes:
        config: The settings of the connection, with the address of this server alone.
        key: The API key; empty without one.
        client: A client of OpenAI's library that a program has brought; None: there is none.
        under_way: Number of requests in progress.
        failures: Number of failures in a row that spoke of the server.
        back_at: When the server is tried again, on the clock of `time.monotonic`.
        adapters: Names of the adapters that the server has loaded for this client.
        loads: How often the server has loaded an adapter.
        endpoint: Where the server loads adapters; None until this is found out.
        loading: Held while an adapter is loaded.
    """

    config: ApiConfig
    key: str = field(repr=False)
    client: "openai.AsyncOpenAI | None" = field(default=None, repr=False)
    under_way: int = 0
    failures: int = 0
    back_at: float = 0.0
    adapters: set[str] = field(default_factory=set)
    loads: int = 0
    endpoint: Endpoint | None = None
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @cached_property
    def connection(self) -> Sender:
        """The open connections, which belong to one event loop."""
        if self.client is not None or self.config.client == "openai":
            return LibraryConnection(self.config, self.key, self.client)
        return Connection(self.config, self.key)

    @property
    def is_open(self) -> bool:
        """Whether the server may be asked; after a failure, one request at a time tries it."""
        return not self.failures or (monotonic() >= self.back_at and not self.under_way)

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Count a request as one in progress."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    def answered(self) -> None:
        """Note that the server works."""
        if self.failures:
            log.info("%s: %s answers again", self.config.section, self.config.server)
        self.failures = 0

    def failed(self, failure: Failure) -> None:
        """Note a failure that speaks of the server, which rests for a while."""
        if self.failures and monotonic() < self.back_at:
            return  # of several requests under way together, the first to fail counts
        rest = min(_LONGEST_REST, _FIRST_REST * 2.0**self.failures)
        self.back_at = monotonic() + min(failure.retry_after or rest, PATIENCE)
        if not self.failures:
            words = failure.words.strip(" ()") or "no answer"
            reason = f"{failure.status}: {words}" if failure.status else words
            log.warning(
                "%s: %s is left out for a while (%s)",
                *(self.config.section, self.config.server, reason),
            )
        self.failures = min(self.failures + 1, 16)


class Servers:
    """The servers of one client, in the order of their addresses."""

    def __init__(
        self, config: ApiConfig, key: str, client: "openai.AsyncOpenAI | None" = None
    ) -> None:
        self.all = [Server(each, key, client) for each in config.each()]

    def choose(self, tried: Collection[Server] = ()) -> Server:
        """Return the server to ask: the least busy one that works and has not been tried.

        If all of them rest, the one that returns first.
        """
        if len(self.all) == 1:
            return self.all[0]
        left = [server for server in self.all if server not in tried] or self.all
        ready = [server for server in left if server.is_open]
        if ready:
            return min(ready, key=lambda server: server.under_way)
        return min(left, key=lambda server: server.back_at)

    def others(self, tried: Collection[Server]) -> Sequence[Server]:
        """Return the servers that may be asked instead of those that have been tried."""
        return [server for server in self.all if server not in tried and server.is_open]

    def note(self, server: Server, failure: Failure) -> bool:
        """Return whether a failure speaks of the server, which is then left out for a while.

        A server without a second one beside it is never left out.
        """
        if len(self.all) == 1 or failure.status not in SPEAK_OF_SERVER or not failure.is_transient:
            return False
        server.failed(failure)
        return True
