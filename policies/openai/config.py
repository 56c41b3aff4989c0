"""The settings of a connection to a server."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit
from urllib.request import getproxies

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Phase

KEY = "OPENAI_API_KEY"
"""The environment variable that holds the API key by default."""

OPENAI = "https://api.openai.com/v1"
"""The address of OpenAI."""

_PARTS = ("extra_headers", "extra_query", "extra_body")
"""Fields of `extra` that are not sent under their names, as in the client library of OpenAI."""

_PHASES = tuple(phase.value for phase in Phase)
"""Fields of `extra` that hold the further fields of one phase."""

_ENDPOINT = re.compile(r"/(?:chat/completions|completions|embeddings|responses|messages)/?$")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTES = "\"'"


if TYPE_CHECKING:
    import openai

ClientLibrary = Literal["aiohttp", "openai"]
"""Libraries that can send requests."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter that a server loads at run time: its name and its folder, as seen there."""

    name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class ApiConfig:
    """The settings of a connection to a server with an OpenAI-compatible API.

    Attributes:
        section: Section of the settings, for error messages.
        model: The server's name for the model.
        base_url: Address of the server, or the addresses of several that serve the same model;
            None means OpenAI. A login and a query in it are sent, and shown nowhere.
        adapter: A LoRA adapter of the model, with which the server answers; see `adapters`.
        api_key_env: The environment variable that holds the API key. Only OpenAI needs a key.
        client: What sends the requests: `aiohttp`, or OpenAI's own library `openai`, which is
            several times slower and knows more proxies; in a program also an `openai.AsyncOpenAI`
            that it has made, such as one for Azure, whose address and key hold then.
        max_concurrency: The largest number of requests in progress, at all servers together.
        requests_per_minute: Limit of the rate of requests, likewise; None means no limit.
        tokens_per_minute: Limit of the rate of prompt and completion tokens, which are estimated
            before a request is sent; None means no limit.
        timeout: Time limit of one request, in seconds.
        max_retries: Repetitions of a request after connection errors, timeouts, the status codes
            408, 409, 425, 429 and 5xx, and such an error in the body of a reply. The pauses grow,
            or follow the server's Retry-After.
        thought_tokens: Further tokens of each reply of a model that has spent a whole limit on its
            thoughts; no other model gets them.
        usd_per_million_prompt_tokens: Price in US dollars; None means that nothing is counted.
        usd_per_million_completion_tokens: Price in US dollars, likewise.
        extra: Further fields of every request, such as {top_k: 50} for vLLM. The fields
            `extra_headers` and `extra_query` are sent as headers and as the query of the address;
            the fields of `extra_body` are sent like all others. What stands under the name of a
            phase, such as `draft`, is added to the requests of this phase alone.

    Raises:
        UserError: A setting is out of its range; the message names the setting.
    """

    section: str = "policy"
    model: str
    base_url: str | Sequence[str] | None = field(default=None, repr=False)
    adapter: Adapter | None = None
    api_key_env: str = KEY
    client: "ClientLibrary | openai.AsyncOpenAI" = "aiohttp"
    max_concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 60.0
    max_retries: int = 5
    thought_tokens: int = 2048
    usd_per_million_prompt_tokens: float | None = None
    usd_per_million_completion_tokens: float | None = None
    extra: Mapping[str, Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the settings."""
        bounds = {"max_concurrency": 1, "max_retries": 0, "thought_tokens": 0}
        for name, bound in bounds.items():
            if getattr(self, name) < bound:
                raise UserError(
                    f"{self.section}.{name} must be at least {bound}, got {getattr(self, name)}"
                )
        for name in ("requests_per_minute", "tokens_per_minute", "timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UserError(f"{self.section}.{name} must be above 0, got {value}")
        if isinstance(self.client, str) and self.client not in get_args(ClientLibrary):
            raise UserError(
                f"{self.section}.client: must be aiohttp or openai, got {self.client!r}"
            )
        self._check_addresses()
        self._check_extra(self.extra or {}, "extra")
        self._check_phases()

    def each(self) -> list["ApiConfig"]:
        """Return the settings of the connection to each server."""
        if self.base_url is None or isinstance(self.base_url, str):
            return [self]
        return [replace(self, base_url=url) for url in self.base_url]

    def of_phase(self, phase: Phase | None) -> "ApiConfig":
        """Return the settings for the requests of a phase; None: for requests of no phase."""
        return self._by_phase[phase]

    @cached_property
    def _by_phase(self) -> dict[Phase | None, "ApiConfig"]:
        extra = self.extra or {}
        common = {name: value for name, value in extra.items() if name not in _PHASES}
        whole: ApiConfig = replace(self, extra=common) if len(common) < len(extra) else self
        configs: dict[Phase | None, ApiConfig] = dict.fromkeys((None, *Phase), whole)
        for phase in Phase:
            own = dict(extra.get(phase.value) or {})
            parts = {
                part: {**(common.get(part) or {}), **(own.get(part) or {})}
                for part in _PARTS
                if part in common or part in own
            }
            if own:
                configs[phase] = replace(self, extra={**common, **own, **parts})
        return configs

    def key(self) -> str:
        """Return the API key from the environment; empty where there is none and none is needed.

        Raises:
            UserError: OpenAI needs a key, or the key cannot be sent. The message does not quote
                the key.
        """
        setting, name = f"{self.section}.api_key_env", self.api_key_env
        if not _VARIABLE.fullmatch(name):
            # Perhaps it is the key itself.
            raise UserError(f"{setting} must be the name of an environment variable, such as {KEY}")
        key = os.environ.get(name, "").strip()
        # A name in other letters may be the key itself.
        variable = f"the environment variable {name}" if name.isupper() else "the variable"
        if not key and self.base_url is None:
            raise UserError(
                f"{setting}: {variable} is not set; "
                f"set it, or name a server of your own with {self.section}.base_url"
            )
        problem = next((words for words, found in _problems_of_a_key(key) if found), None)
        if problem:
            raise UserError(f"{setting}: the key in {variable} {problem}")
        return key

    @cached_property
    def address(self) -> str:
        """The address of the server without its query, which is in `query`."""
        return urlunsplit(urlsplit(self._url or OPENAI)._replace(query="", fragment=""))

    @cached_property
    def server(self) -> str:
        """The server as messages name it: its address without login and query."""
        return shown_address(self._url) if self._url else "OpenAI"

    @cached_property
    def has_version(self) -> bool:
        """Whether the path of the address ends as those of most servers, such as in /v1."""
        return bool(re.search(r"/v[0-9]\w*(?:/|$)|/openai/?$", urlsplit(self.address).path))

    @cached_property
    def headers(self) -> dict[str, str]:
        """Further headers of each request."""
        return {name: str(value) for name, value in self._part("extra_headers").items()}

    @cached_property
    def query(self) -> dict[str, Any]:
        """The query of each request."""
        in_address = dict(parse_qsl(urlsplit(self._url).query, keep_blank_values=True))
        return {**in_address, **self._part("extra_query")}

    @cached_property
    def body(self) -> dict[str, Any]:
        """Further fields of the body of each request."""
        apart = (*_PARTS, *_PHASES)
        fields = {name: value for name, value in (self.extra or {}).items() if name not in apart}
        return {**fields, **self._part("extra_body")}

    def secrets(self, key: str) -> list[str]:
        """Return texts that no message may contain, longest first: a server may quote them."""
        found = {key} | _texts(self.extra or {})
        for config in (each.of_phase(phase) for each in self.each() for phase in (None, *Phase)):
            found |= {*config.headers.values(), *map(str, config.query.values())}
        for url in (*self._urls, *getproxies().values()):
            login = url.rpartition("://")[2].rpartition("@")[0]
            found |= {login, *login.split(":", 1), unquote(login.partition(":")[2])}
        return sorted((text for text in found if len(text) > 5), key=len, reverse=True)

    def price(self, prompt: int, completion: int) -> float:
        """Return the price in US dollars of some prompt and completion tokens."""
        return (
            prompt * (self.usd_per_million_prompt_tokens or 0)
            + completion * (self.usd_per_million_completion_tokens or 0)
        ) / 1e6

    def _part(self, name: str) -> Mapping[str, Any]:
        return dict((self.extra or {}).get(name) or {})

    @property
    def _urls(self) -> Sequence[str]:
        """The addresses as they were given."""
        return (self.base_url,) if isinstance(self.base_url, str) else self.base_url or ()

    @property
    def _url(self) -> str:
        """The address, of several the first one; empty: OpenAI's."""
        return next(iter(self._urls), "")

    def _check_addresses(self) -> None:
        if self.base_url is None:
            return
        setting = f"{self.section}.base_url"
        if not self._urls:
            raise UserError(f"{setting}: the list is empty; null means OpenAI")
        for number, url in enumerate(self._urls):
            _check_address(
                setting if isinstance(self.base_url, str) else f"{setting}[{number}]", url
            )
        twice = next((url for url in self._urls if list(self._urls).count(url) > 1), None)
        if twice is not None:
            raise UserError(f"{setting}: {shown_address(twice)} is named twice")

    def _check_phases(self) -> None:
        for name, value in (self.extra or {}).items():
            setting = f"{self.section}.extra.{name}"
            if name in _PHASES:
                if not isinstance(value, Mapping):
                    raise UserError(f"{setting} must be a mapping of fields for this phase")
                nested = next((inner for inner in value if inner in _PHASES), None)
                if nested:
                    raise UserError(f"{setting}.{nested}: a phase within a phase")
                self._check_extra(value, f"extra.{name}")
            elif isinstance(value, Mapping):
                near = get_close_matches(str(name), _PHASES, n=1, cutoff=0.8)
                if near:
                    raise UserError(
                        f"{setting}: did you mean {near[0]}? A field of this name that the server "
                        "shall get belongs into extra_body"
                    )

    def _check_extra(self, extra: Mapping[str, Any], place: str) -> None:
        for part in _PARTS:
            value = extra.get(part)
            if value is not None and not isinstance(value, Mapping):
                raise UserError(f"{self.section}.{place}.{part} must be a mapping")
        for name, value in (extra.get("extra_headers") or {}).items():
            setting, text = f"{self.section}.{place}.extra_headers", str(value)
            if not _HEADER_NAME.fullmatch(name):
                raise UserError(f"{setting}: a name of a header has a character that none may have")
            if not (text.isascii() and text.isprintable()):
                raise UserError(f"{setting}.{name}: a header has printable ASCII characters only")


def _check_address(setting: str, address: str) -> None:
    """Raise UserError unless a text is the address of a server."""
    shown = shown_address(address)
    if not address:
        raise UserError(f"{setting}: is empty; null means OpenAI")
    if not address.startswith(("http://", "https://")):
        raise UserError(
            f"{setting} must begin with http:// or https://, "
            f"such as http://localhost:8000/v1: {shown}"
        )
    try:
        url = urlsplit(address)
        valid = bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number, or brackets that do not match
        raise UserError(f"{setting} is no address of a server: {shown}") from None
    if not valid or not address.isprintable() or " " in address:
        raise UserError(f"{setting} is no address of a server: {shown}")
    endpoint = _ENDPOINT.search(url.path)
    if endpoint:
        raise UserError(
            f"{setting} must not contain {endpoint[0].rstrip('/')}, which each request adds: "
            f"{shown}"
        )


def shown_address(url: str) -> str:
    """Return an address without its login, query and fragment, which may be secrets."""
    start, separator, rest = url.rpartition("://")
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = rest.partition("/")
    return f"{start}{separator}{host.rpartition('@')[2]}{slash}{path}".strip()


def _problems_of_a_key(key: str) -> list[tuple[str, bool]]:
    return [
        ("contains a line break", "\n" in key or "\r" in key),
        ("begins with 'Bearer', which each request adds", key.lower().startswith("bearer ")),
        ("contains a blank", any(letter.isspace() for letter in key)),
        ("contains a character that is not ASCII, such as a typographic quote", not key.isascii()),
        ("contains a control character", not key.isprintable()),
        ("stands in quotes", len(key) > 1 and key[0] in _QUOTES and key[0] == key[-1]),
    ]


def _texts(value: Any) -> set[str]:
    """Return all texts in the fields of a request."""
    if isinstance(value, Mapping):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(_texts, value))
    return {value} if isinstance(value, str) else set()
