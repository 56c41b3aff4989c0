"""A small web server for one person or a few: on this machine, or with a secret in the link."""

import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING

from social_sandbox.envs.errors import UserError

from .guard import Guard, Refused, is_loopback

if TYPE_CHECKING:
    import uvicorn
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

LOCAL = "127.0.0.1"
"""The address at which only this machine can be reached."""

_START_S, _END_S = 10.0, 5.0


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs.

    Attributes:
        host: Name or address under which a browser finds the server.
        port: Its port.
        token: The secret that a link must have; empty without one.
        ended: Set when the server has ended.
    """

    host: str
    port: int
    token: str
    ended: threading.Event

    def link(self, path: str = "/", query: str = "") -> str:
        """Return a link to a page, with the token where there is one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        token = f"token={self.token}" if self.token else ""
        question = "&".join(filter(None, (query, token)))
        return f"http://{host}:{self.port}{path}" + (f"?{question}" if question else "")


def new_token() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(24)


def files(folder: Path, html: bool = True) -> "ASGIApp":
    """Return an application that serves the files below a folder, and nothing outside it.

    Args:
        folder: The folder.
        html: Whether `index.html` answers for its folder.
    """
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    # Alone, the mounted application would raise an error for a file that is not there.
    return application([Mount("/", StaticFiles(directory=folder, html=html))])


def application(routes: "Sequence[BaseRoute]") -> "ASGIApp":
    """Return an application with these routes; what it refuses (`Refused`) is told in a line."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response

    def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return PlainTextResponse(f"{error}\n", error.status)

    return Starlette(routes=routes, exception_handlers={Refused: refuse})


def page_application(package: str, routes: "Sequence[BaseRoute]") -> "ASGIApp":
    """Return the application of a page: its routes, its files, and those that all pages share.

    Args:
        package: Package whose folder `assets` holds the page.
        routes: What the page asks for.
    """
    from starlette.routing import Mount

    shared = Path(str(resources(__package__) / "assets"))
    own = Path(str(resources(package) / "assets"))
    mounts = [Mount("/assets", files(shared, html=False)), Mount("/", files(own))]
    return application([*routes, *mounts])


@contextmanager
def served(
    app: "ASGIApp",
    host: str = LOCAL,
    port: int = 0,
    token: str = "",
    setting: str = "--port",
) -> Iterator[Served]:
    """Serve an application from a thread of its own, until the context ends.

    Args:
        app: The application; `Guard` is put in front of it.
        host: Name or address to listen at.
        port: Port; 0: any free one.
        token: Secret that a request must bring; empty: none is needed.
        setting: Name of the option of the port, for error messages.

    Raises:
        UserError: The host is unknown, the port is taken, or others can reach the host although
            there is no token.
    """
    import uvicorn

    if not token and not is_loopback(host):
        raise UserError(f"--host: others can reach {host}: a token in the link is necessary")
    listening = _listen(host, port, setting)
    port = listening.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(
            Guard(app, host, port, token),
            log_config=None,
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=2,
        )
    )
    ended = threading.Event()

    def run() -> None:
        try:
            server.run(sockets=[listening])
        finally:
            ended.set()

    thread = threading.Thread(target=run, name="browser", daemon=True)
    thread.start()
    try:
        _wait_for_start(server, ended)
        yield Served(_reachable(host), port, token, ended)
    finally:
        server.should_exit = True
        thread.join(_END_S)
        listening.close()


def serve(
    app: "ASGIApp",
    host: str = LOCAL,
    port: int = 0,
    token: str = "",
    *,
    open_browser: bool = True,
    show: Callable[[Served], None] | None = None,
    path: str = "/",
) -> None:
    """Serve an application until Ctrl-C or SIGTERM.

    Args:
        app: The application.
        host: Name or address to listen at.
        port: Port; 0: any free one.
        token: Secret that a request must bring; empty: none is needed.
        open_browser: Whether to open the page in this machine's browser.
        show: Tells the user that the server runs; default: prints the link of the page.
        path: The page.

    Raises:
        UserError: See `served`.
        KeyboardInterrupt: A subclass of it was raised, as for SIGTERM. Ctrl-C itself is the usual
            end, and raises nothing.
    """
    with served(app, host, port, token) as server:
        try:
            if show is None:
                print(f"{server.link(path)}   (Ctrl-C ends the server)", flush=True)
            else:
                show(server)
            if open_browser:
                open_page(server.link(path))
            # With a time-out, since only then signals arrive on every system.
            while not server.ended.wait(0.5):
                pass
        except KeyboardInterrupt as stopped:
            if type(stopped) is not KeyboardInterrupt:
                raise


def open_page(link: str) -> bool:
    """Open a page in the browser; return whether there is one.

    A browser inside the terminal would hide what the command prints, and is not opened.
    """
    has_screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if not has_screen:
        return False
    with suppress(webbrowser.Error, OSError):
        return webbrowser.open(link)
    return False


def _listen(host: str, port: int, setting: str) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UserError(f"--host: no address of {host!r} ({error})") from error
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # The port of a server that has just ended can be used again.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        if port:
            raise UserError(
                f"{setting}: cannot listen at port {port} of {host}: {error.strerror}; choose "
                f"another one, or 0 for any free port"
            ) from error
        raise UserError(f"--host: cannot listen at {host}: {error.strerror}") from error
    return listening


def _wait_for_start(server: "uvicorn.Server", ended: threading.Event) -> None:
    waiting = 0.0
    while not server.started:
        if ended.wait(0.01) or waiting > _START_S:
            raise UserError("--host: the server did not start")
        waiting += 0.01


def _reachable(host: str) -> str:
    """Return the name under which others find a server that listens at every address."""
    return socket.gethostname() if host in ("0.0.0.0", "::", "") else host
