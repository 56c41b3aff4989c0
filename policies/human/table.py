"""The page at which people play, and the server that serves it to all people of this process."""

import atexit
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from social_sandbox.envs.text.jsonl import first_problem

from ..browser.guard import Refused, is_loopback, json_body
from ..browser.server import new_token, open_page, page_application, served
from ..terminal import Terminal
from .seat import Seat

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

_LAST_WORDS_S = 1.5
"""How long a process that ends waits for open pages to hear of it."""


class Sent(BaseModel):
    """What the page sends: the answer to the turn with a key."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    key: str
    text: str = ""
    rating: Annotated[float, Field(allow_inf_nan=False)] | None = None


class Table:
    """The seats of the people who play, by name, and their server, which ends with the process."""

    def __init__(self, host: str, port: int) -> None:
        """Start the server.

        Raises:
            UserError: The port is taken, or the host is unknown.
        """
        self._seats: dict[str, Seat] = {}
        self._lock = threading.Lock()
        self._context = ExitStack()
        token = "" if is_loopback(host) else new_token()
        self._server = self._context.enter_context(
            served(_page(self._seats), host, port, token, "policy.port")
        )
        atexit.register(self.close)

    def seat(self, name: str, open_browser: bool) -> Seat:
        """Return the seat of a person; the first time, tell how the person gets there."""
        with self._lock:
            if name in self._seats:
                return self._seats[name]
            self._seats[name] = seat = Seat(name)
        link = self.link(name)
        console = Terminal(stderr=True)
        console.print(f"{name} plays at {link}", soft_wrap=True, highlight=False)
        if open_browser:
            open_page(link)
        return seat

    def link(self, name: str) -> str:
        """Return the link of a person's page."""
        return self._server.link("/", urlencode({"name": name}))

    def close(self) -> None:
        """Tell open pages that nothing more comes, and end the server."""
        for seat in self._seats.values():
            seat.is_closed = True
        end = time.monotonic() + _LAST_WORDS_S
        while any(seat.must_be_told for seat in self._seats.values()) and time.monotonic() < end:
            time.sleep(0.02)
        self._context.close()


_tables: dict[tuple[str, int], Table] = {}
_opening = threading.Lock()


def table_at(host: str, port: int) -> Table:
    """Return the table at an address; there is one for all people of this process."""
    with _opening:
        if (host, port) not in _tables:
            _tables[host, port] = Table(host, port)
        return _tables[host, port]


def _page(seats: dict[str, Seat]) -> "ASGIApp":
    """Return the application: the page, its files, and the requests that the page makes."""
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def seat_of(name: str) -> Seat:
        if name not in seats:
            raise Refused(404, "nobody of this name plays here; please use the link you were given")
        return seats[name]

    async def people(request: "Request") -> "Response":
        return JSONResponse(sorted(seats))

    async def state(request: "Request") -> "Response":
        return JSONResponse(seat_of(request.query_params.get("name", "")).state())

    async def answer(request: "Request") -> "Response":
        try:
            sent = Sent.model_validate(await json_body(request))
        except ValidationError as error:
            raise Refused(400, first_problem(error)) from error
        seat = seat_of(sent.name)
        seat.answer(sent.key, sent.text, sent.rating)
        return JSONResponse(seat.state())

    return page_application(
        __package__,
        [
            Route("/people", people),
            Route("/state", state),
            Route("/answer", answer, methods=["POST"]),
        ],
    )
