"""What every request to a server of this project passes first, and what every answer says.

A page of another site can make a browser ask this server. Such a request names another host (DNS
rebinding) or another origin, and is refused. Whoever is not on this machine must bring the token:
first in the link, and from then on in a cookie, so that the token does not stay in the address.
"""

import ipaddress
import json
import secrets
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from social_sandbox.envs.text.texts import valid

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PLOT_STYLE = "'sha256-jSYQUrW7J0b3jPqhZP9C2Xh1PyJKHKXd4s0fpGGKrww='"
"""Hash of the style sheet that Observable Plot puts into its figures."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {PLOT_STYLE}",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy: the server's own scripts and styles, and nothing else."""

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

LONGEST_BODY = 64 * 1024
"""Largest body of a request, in bytes."""

_SAFE = ("GET", "HEAD")


class Refused(Exception):
    """A request cannot be answered; the text is for the person who made it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(valid(reason))
        self.status = status


class Guard:
    """An ASGI application in front of another one: hosts, origins, the token and headers."""

    def __init__(self, app: "ASGIApp", host: str, port: int, token: str = "") -> None:
        """Guard an application.

        Args:
            app: The application.
            host: Name or address at which the server listens.
            port: Its port.
            token: Secret that a request must bring; empty: none is needed.
        """
        self._app = app
        self._host = host.lower()
        self._token = token
        # A cookie holds for all ports of a host.
        self._cookie = f"social-sandbox-{port}"

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request, or hand it on."""
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse, RedirectResponse, Response

        if scope["type"] != "http":
            return

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                own = {name.encode(): value.encode() for name, value in HEADERS.items()}
                others = [each for each in message["headers"] if each[0].lower() not in own]
                message["headers"] = [*others, *own.items()]
            await send(message)

        request = Request(scope)
        answer: Response | None = None
        try:
            self._check_host(request)
            if self._token and self._brings_token(request) == "link":
                answer = RedirectResponse(_without_token(request), 303)
                answer.set_cookie(
                    self._cookie, self._token, path="/", httponly=True, samesite="lax"
                )
        except Refused as error:
            answer = PlainTextResponse(f"{error}\n", error.status)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _check_host(self, request: "Request") -> None:
        host = request.headers.get("host", "")
        if not _is_own(_name(host), self._host):
            raise Refused(400, "this server has another name")
        origin = request.headers.get("origin")
        if request.method not in _SAFE and origin is not None and urlsplit(origin).netloc != host:
            raise Refused(403, "the request comes from the page of another site")

    def _brings_token(self, request: "Request") -> str:
        """Return how a request brings the token; raise Refused if it does not."""
        link = request.query_params.get("token", "")
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        for way, value in (
            ("header", bearer),
            ("cookie", request.cookies.get(self._cookie, "")),
        ):
            if secrets.compare_digest(value.encode(), self._token.encode()) and not link:
                return way
        if request.method in _SAFE and secrets.compare_digest(link.encode(), self._token.encode()):
            return "link"
        raise Refused(403, "the link to this page is incomplete: it must end with its token")


async def json_body(request: "Request") -> Any:
    """Return the JSON of a request's body.

    Raises:
        Refused: The body is larger than `LONGEST_BODY`, of another type, or no JSON.
    """
    # Of another type, a page of another site could send the request without being asked.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused(415, "the body must be application/json")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise Refused(413, f"the body is larger than {LONGEST_BODY} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body is no JSON") from error


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """Return the name in a `Host` header, without its port and without brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_own(name: str, host: str) -> bool:
    """Return whether a name can be the one of a server that listens at a host.

    An address is never the name of another site: only names can be rebound.
    """
    if is_loopback(host):
        return is_loopback(name)
    if name in (host, "localhost", socket.gethostname().lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _without_token(request: "Request") -> str:
    query = [
        pair for pair in parse_qsl(request.url.query, keep_blank_values=True) if pair[0] != "token"
    ]
    # One slash only: two would begin the address of another host.
    path = "/" + request.url.path.lstrip("/")
    return path + (f"?{urlencode(query)}" if query else "")
