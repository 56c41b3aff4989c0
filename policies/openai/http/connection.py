"""One request to a server: what comes back is parsed, or told as a failure without secrets.

Requests go through aiohttp, which sends several times as many a second as the client library of
OpenAI does over httpx, and does not slow down when hundreds are under way.
"""

import asyncio
import os
import weakref
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from pydantic_core import to_json

from social_sandbox.envs.rules.turns import Tokens

from ..config import ApiConfig
from .errors import ApiError, Unreadable
from .failures import Failure, failure_inside, failure_of, one_line
from .replies import is_stream, parsed

if TYPE_CHECKING:
    import aiohttp

_KEPT = 4.0
"""Seconds for which an idle connection is kept: less than the 5 s after which uvicorn closes it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request: its status code, its headers in lower case, and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Sender(Protocol):
    """Posts requests to one server: a `Connection`, or a `library.LibraryConnection`."""

    async def send(
        self,
        path: str,
        fields: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Post a request, and return what the server answers."""
        ...


class Connection:
    """The open connections to one server, which belong to one event loop."""

    def __init__(self, config: ApiConfig, key: str) -> None:
        """Prepare the connections; nothing is sent yet.

        Args:
            config: The settings, with the address of this server.
            key: The API key; empty without one.
        """
        self._timeout = config.timeout
        url = urlsplit(config.address)
        login, _, host = url.netloc.rpartition("@")
        self._address = urlunsplit(url._replace(netloc=host)).rstrip("/")
        # Some servers want any key.
        self._headers = {
            "authorization": _basic(login) if login else f"Bearer {key or 'none'}",
            "accept": "application/json",
            "content-type": "application/json",
            "user-agent": "social-sandbox",
        }
        if config.base_url is None:
            of_variables = {
                "openai-organization": "OPENAI_ORG_ID",
                "openai-project": "OPENAI_PROJECT_ID",
            }
            for header, variable in of_variables.items():
                if value := os.environ.get(variable):
                    self._headers[header] = value

    async def send(
        self,
        path: str,
        fields: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Post a request, and return what the server answers.

        Args:
            path: Path of the endpoint below the address.
            fields: The fields of the request.
            headers: Further headers.
            query: The query of the address.

        Raises:
            aiohttp.ClientError: There is no answer.
            TimeoutError: There is no answer in time.
            ValueError: The request, or the proxy that the environment names, cannot be used.
            PydanticSerializationError: A field is no JSON; a ValueError.
        """
        url = f"{self._address}{path}"
        if query:
            url += f"?{urlencode(_written(query), doseq=True)}"
        async with self._session.post(
            url,
            data=to_json(fields),
            headers=self._headers | {name.lower(): text for name, text in (headers or {}).items()},
            **self._proxy,
        ) as answer:
            names = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, names, await answer.read())

    @cached_property
    def _session(self) -> "aiohttp.ClientSession":
        import aiohttp

        # As many connections as there are requests under way, which the client limits.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT, ssl=self._tls)
        session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=self._timeout, sock_read=self._timeout
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        weakref.finalize(self, _close, session, asyncio.get_running_loop())
        return session

    @cached_property
    def _tls(self) -> Any:
        """The certificates of authorities, which come with a package or are the system's."""
        if not self._address.startswith("https:"):
            return True
        import httpx2

        return httpx2.create_ssl_context()

    @cached_property
    def _proxy(self) -> dict[str, Any]:
        """The arguments of a request that name the proxy of the environment.

        Raises:
            ValueError: The environment names a proxy that cannot be used.
        """
        url, proxies = urlsplit(self._address), getproxies()
        named = proxies.get(url.scheme) or proxies.get("all")
        if not named or proxy_bypass(url.netloc):
            return {}
        proxy = urlsplit(named if "://" in named else f"http://{named}")
        if proxy.scheme not in ("http", "https") or not proxy.hostname or proxy.port == 0:
            raise ValueError("a proxy must be an address that begins with http:// or https://")
        login, _, host = proxy.netloc.rpartition("@")
        arguments: dict[str, Any] = {"proxy": f"{proxy.scheme}://{host}"}
        if login:
            arguments["proxy_headers"] = {"Proxy-Authorization": _basic(login)}
        return arguments


def _basic(login: str) -> str:
    """Return the header of a login such as `name:password`."""
    return f"Basic {b64encode(unquote(login).encode()).decode()}"


def _written(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a query as servers read them: `true`, and not `True`."""
    return {
        name: str(value).lower() if isinstance(value, bool) else "" if value is None else value
        for name, value in query.items()
    }


def _close(session: "aiohttp.ClientSession", loop: asyncio.AbstractEventLoop) -> None:
    """Close the connections of a client that nobody uses any more."""
    with suppress(Exception):
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(session.close(), loop)
        elif session.connector is not None:
            session.connector.close()
            session.detach()


async def post(
    connection: Sender,
    path: str,
    fields: Mapping[str, Any],
    config: ApiConfig,
    hidden: Sequence[str],
    cost: Tokens,
) -> Any:
    """Return the parsed answer to one request, or its failure.

    Args:
        connection: The connections to the server.
        path: Path of the endpoint.
        fields: The fields of the request, to which those of `config.extra` are added.
        config: The settings of the connection.
        hidden: Texts that no failure may quote.
        cost: Cost of the request, for errors.

    Raises:
        Unreadable: The answer is no JSON object.
        ApiError: The request cannot be sent, or the answer is none of this protocol.
    """
    answer = await answer_to(connection, path, {**fields, **config.body}, config)
    if not isinstance(answer, Failure):
        answer = _parsed(answer, config, hidden, cost)
    if not isinstance(answer, Failure):
        return answer
    return replace(answer, words=hide(answer.words, hidden), text=hide(answer.text, hidden))


def hide(text: str, hidden: Sequence[str]) -> str:
    """Return a text without some texts."""
    for secret in hidden:
        text = text.replace(secret, "***")
    return text


async def answer_to(
    connection: Sender, path: str, body: Mapping[str, Any], config: ApiConfig
) -> Answer | Failure:
    """Return the answer to a request as it came, or a failure, whose words may hold secrets.

    Raises:
        ApiError: The request cannot be sent.
    """
    import aiohttp

    try:
        answer = await connection.send(path, body, headers=config.headers, query=config.query)
    except TimeoutError:
        return Failure(0, f"did not answer within {config.timeout:g} s", setting="timeout")
    except (aiohttp.InvalidURL, ValueError) as error:
        raise unsendable(config, error) from None
    except (aiohttp.ClientError, OSError) as error:
        reason = one_line(str(getattr(error, "os_error", None) or error))
        return Failure(0, f" ({reason})" if reason else "", setting="base_url")
    if answer.status >= 400:
        return failure_of(answer.status, _body(answer), answer.headers)
    return answer


def unsendable(config: ApiConfig, error: Exception) -> ApiError:
    """Return the error of a request that cannot be sent.

    A proxy in the environment may be at fault; its address may be a secret.
    """
    return ApiError(
        f"cannot send a request to {config.server} ({type(error).__name__}); look at HTTP_PROXY, "
        f"HTTPS_PROXY, ALL_PROXY and {config.section}.extra"
    )


def _parsed(answer: Answer, config: ApiConfig, hidden: Sequence[str], cost: Tokens) -> Any:
    """Return the JSON of an answer, or the failure that it tells of."""
    text = _text(answer)
    try:
        body = parsed(text)
    except ValueError:
        if is_stream(text):
            message = "the server sent a stream of events, which nobody has asked for"
            raise ApiError(message, "extra" if config.extra else "", cost) from None
        words = hide(one_line(text)[:80], hidden)
        if "<html" in text[:1000].lower() and not config.has_version:
            message = f"{config.server} answers with a web page ({words!r}); "
            message += "most servers want an address that ends in /v1"
            raise ApiError(message, "base_url", cost) from None
        message = "the server sent no JSON" + (f" ({words!r})" if words else "")
        raise Unreadable(message, cost) from None
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, Mapping):
        raise Unreadable("the server sent no JSON object", cost)
    failure = failure_inside(body)
    return body if failure is None else failure


def _text(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace").lstrip("\ufeff")


def _body(answer: Answer) -> Any:
    text = _text(answer)
    try:
        return parsed(text)
    except ValueError:
        return text
