"""A client of servers with an OpenAI-compatible API: rate limits, retries and plain errors."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from social_sandbox.envs.rules.turns import Phase, Tokens
from social_sandbox.envs.text.messages import Message, to_dicts
from social_sandbox.envs.text.thoughts import ONLY_THOUGHT

from ..config import ApiConfig
from .adapters import may_be_lost, model_at, unload
from .complaints import as_error
from .connection import hide, post
from .errors import ApiError, Empty, Malformed, Refused, Unreadable
from .failures import Failure, one_line
from .parameters import FORM, LIMITS, Parameters
from .rates import PATIENCE, Limiter, RateLimiter, Reserve, SharedLimiter, pause_after
from .replies import Choice, TokenLogprobs, read_choice, read_embeddings, read_usage
from .servers import Server, Servers

if TYPE_CHECKING:
    import openai

log = logging.getLogger(__name__)

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of the model.

    Attributes:
        text: The text, without thoughts and without blanks around it.
        cut_off: Whether the limit of tokens has ended the text.
        tokens: Cost of the request.
        logprobs: Log-probabilities of the text, token by token; empty if they were not requested.
    """

    text: str
    cut_off: bool
    tokens: Tokens
    logprobs: tuple[TokenLogprobs, ...] = ()


class ApiClient:
    """Sends requests to a server, or to several servers that serve the same model.

    All coroutines of one client have to run on the same event loop, see `policies.background`.
    """

    def __init__(self, config: ApiConfig) -> None:
        """Read the API key from the environment.

        Raises:
            UserError: The server is OpenAI, and there is no key; or the key cannot be sent.
        """
        self.config = config
        self._key = config.key()
        self._hidden = config.secrets(self._key)
        self._servers = Servers(config, self._key, self._client)
        # OpenAI's newer models refuse `max_tokens`; other servers may know only `max_tokens`.
        limit = LIMITS[0] if config.base_url is None else LIMITS[1]
        self._parameters = Parameters(config.model, limit)
        self._alone = asyncio.Lock()
        self._reserve: Reserve | None = None
        self._thought_tokens = 0
        self._tells_usage = True

    def __reduce__(self) -> tuple[type["ApiClient"], tuple[ApiConfig]]:
        """Make copies and pickles anew, without connections and without the key."""
        return type(self), (self.config,)

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        seed: int | None,
        max_tokens: int,
        sampling: Mapping[str, Any],
        form: Mapping[str, Any] | None = None,
        phase: Phase | None = None,
        server: Server | None = None,
    ) -> Reply:
        """Return the reply to a conversation.

        Parameters that the server refuses are renamed or left out, for all later requests as well.
        A model that has spent the limit on its thoughts gets `thought_tokens` more, likewise.

        Args:
            messages: The conversation.
            seed: Seed of the sampling; None sends none.
            max_tokens: The largest number of tokens in the reply.
            sampling: Fields such as `temperature`; fields that are None are not sent.
            form: Further fields of the request, which determine the form of the reply.
            phase: The phase whose fields in `extra` are sent, too.
            server: The only server to ask, and only once where it is not to be reached; None asks
                the least busy one.

        Raises:
            ApiError: There is no reply.
        """
        request: dict[str, Any] = {
            "model": self.config.model,
            "messages": to_dicts(messages),
            LIMITS[0]: max_tokens,
            **{name: value for name, value in sampling.items() if value is not None},
            **(form or {}),
        }
        if seed is not None:
            request["seed"] = seed % 2**31
        # A user's own field takes the place of the field of this program.
        own = set(self.config.of_phase(phase).body)
        own |= set(LIMITS) if own & set(LIMITS) else set()
        request = {name: value for name, value in request.items() if name not in own}
        length = sum(len(message.content) for message in messages)

        def read(body: Any, cost: Tokens) -> Reply:
            return self._reply(body, cost, length)

        spent = Tokens()
        while True:
            granted = self._thought_tokens
            try:
                reply = await self._send("/chat/completions", request, read, length, phase, server)
            except Empty as error:
                spent += error.tokens
                if self._thought_tokens > granted:
                    continue
                error.tokens = spent
                raise
            except ApiError as error:
                error.tokens += spent
                raise
            return replace(reply, tokens=spent + reply.tokens)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the embedding of each text.

        Raises:
            ApiError: There are no embeddings.
        """

        def read(body: Any, cost: Tokens) -> list[list[float]]:
            vectors = read_embeddings(body, len(texts))
            if isinstance(vectors, str):
                raise ApiError(vectors, "model", cost)
            return vectors

        request = {
            "model": self.config.model,
            "input": list(texts),
            "encoding_format": "float",
        }
        for attempt in range(self.config.max_retries):
            with suppress(Unreadable):
                return await self._send("/embeddings", request, read, sum(map(len, texts)))
            await asyncio.sleep(pause_after(attempt))
        return await self._send("/embeddings", request, read, sum(map(len, texts)))

    @cached_property
    def _client(self) -> "openai.AsyncOpenAI | None":
        """The client of OpenAI's library that a program has brought; None: there is none."""
        client = self.config.client
        return None if isinstance(client, str) else client

    @property
    def servers(self) -> Sequence[Server]:
        """The servers, in the order of their addresses."""
        return self._servers.all

    def takes(self, names: Sequence[str]) -> bool:
        """Return whether the server has not refused any of these parameters so far."""
        return not self._parameters.refused & set(names)

    async def _send(
        self,
        path: str,
        request: Mapping[str, Any],
        read: Callable[[Any, Tokens], Read],
        length: int,
        phase: Phase | None = None,
        only: Server | None = None,
    ) -> Read:
        """Send a request until there is an answer, and return what `read` makes of the answer.

        Args:
            path: Path of the endpoint.
            request: The request; `Parameters.fit` adapts its parameters to the server.
            read: Called with the parsed answer and the cost of all requests.
            length: Number of characters of the prompt.
            phase: See `chat`.
            only: The only server to ask; None asks the least busy one.
        """
        names, parameters = frozenset(request) - {"model", "messages", "input"}, self._parameters
        sent = failures = 0
        tried: set[Server] = set()
        without_form: Failure | None = None
        async with self._semaphore:
            while True:
                async with self._first_alone(names):
                    fitted = parameters.fit(request)
                    limit = next((fitted[name] for name in LIMITS if name in fitted), 0)
                    for name in LIMITS:
                        if name in fitted:
                            fitted[name] += self._thought_tokens
                    if without_form:
                        fitted = {n: v for n, v in fitted.items() if n not in FORM}
                    await self._wait_for_rate(length, limit)
                    sent += 1
                    cost = Tokens(requests=sent, retries=sent - 1)
                    server = only or self._servers.choose(tried)
                    with server.asked():
                        answer = await self._post(server, path, fitted, cost, phase)
                    if not isinstance(answer, Failure):
                        server.answered()
                        parameters.answered.add(names)
                        if without_form:
                            parameters.refuse(set(request) & set(FORM), without_form)
                        else:
                            parameters.accepted.add(names)
                        return read(answer, cost)
                    chosen = fitted.keys() - {"model", "messages", "input"}
                    if parameters.learn(answer, {name: fitted[name] for name in chosen}):
                        continue
                    if answer.status not in (429, 503):
                        parameters.answered.add(names)
                if self._servers.note(server, answer):
                    tried.add(server)
                    if only is None and self._servers.others(tried):
                        continue
                tried.clear()
                # Perhaps the form of the reply is at fault, though the server does not say so.
                doubtful = names not in parameters.accepted and _perhaps_for_its_form(
                    answer, fitted
                )
                retries = self.config.max_retries
                repetitions = min(retries, 1) if doubtful else retries
                if only is not None and len(self._servers.all) > 1:
                    repetitions = 0
                if answer.is_transient and failures < repetitions and not without_form:
                    pause = answer.retry_after or pause_after(failures, request.get("seed"))
                    if pause <= PATIENCE:
                        failures += 1
                        if pause > 10:
                            log.info("model %s: a pause of %.0f s", self.config.model, pause)
                        await asyncio.sleep(pause)
                        continue
                if doubtful and without_form is None:
                    without_form = answer
                    continue
                failure = without_form or answer
                asked = server.config.of_phase(phase)
                raise as_error(failure, asked, bool(self._key), cost, failures)

    def _reply(self, body: Mapping[str, Any], cost: Tokens, prompt_length: int) -> Reply:
        """Return the reply that an answer holds."""
        choice = read_choice(body)
        usage = read_usage(body, prompt_length, choice)
        if usage.estimated and self._tells_usage:
            self._tells_usage = False
            log.warning(
                "model %s: the server does not tell how many tokens it has used; they are "
                "estimated as a quarter of the characters",
                self.config.model,
            )
        usd = self.config.price(usage.prompt, usage.completion)
        tokens = replace(
            cost, prompt=usage.prompt, completion=usage.completion, usd=usd, cached=usage.cached
        )
        if choice is None:
            raise Unreadable("the server sent no choice", tokens)
        if choice.filtered:
            raise Refused(tokens, hide(one_line(choice.filtered), self._hidden))
        thought = bool(usage.thoughts or choice.thought)
        # Blanks are a bad answer; where nothing at all was written, the thoughts are hidden.
        if choice.cut_off and (thought or not choice.written):
            self._grant_thoughts(choice, tokens)
        if not choice.text:
            raise _empty(choice, thought, tokens)
        return Reply(choice.text, choice.cut_off, tokens, choice.logprobs)

    def _grant_thoughts(self, choice: Choice, tokens: Tokens) -> None:
        """Raise Empty if the model gets more tokens from now on, since it thinks first."""
        granted = self.config.thought_tokens
        if self._thought_tokens or not granted or set(self.config.body) & set(LIMITS):
            return
        self._thought_tokens = granted
        log.info(
            "model %s: it seems to think before it answers; its replies may have %s more tokens",
            *(self.config.model, granted),
        )
        raise _empty(choice, True, tokens)

    async def _post(
        self,
        server: Server,
        path: str,
        fields: Mapping[str, Any],
        cost: Tokens,
        phase: Phase | None = None,
    ) -> Any:
        config = server.config.of_phase(phase)
        connection, adapter = server.connection, config.adapter
        if adapter is None:
            return await post(connection, path, fields, config, self._hidden, cost)
        # The server may have started anew, without what it had loaded.
        for attempt in range(2):
            model = await model_at(server, adapter, self._hidden)
            if isinstance(model, Failure):
                return model
            loads, named = server.loads, {**fields, "model": model}
            answer = await post(connection, path, named, config, self._hidden, cost)
            lost = isinstance(answer, Failure) and may_be_lost(server, answer, loads)
            if not lost or attempt:
                break
        return answer

    async def unload_adapter(self) -> None:
        """Ask every server to forget the adapter of this client."""
        if self.config.adapter is not None:
            for server in self.servers:
                await unload(server, self.config.adapter)

    @cached_property
    def _semaphore(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.config.max_concurrency)

    @cached_property
    def _limiters(self) -> tuple[Limiter | None, Limiter | None]:
        """The limiters of requests and of tokens."""

        def limiter(per_minute: float | None, what: str) -> Limiter | None:
            if not per_minute:
                return None
            if self._reserve is None:
                return RateLimiter(per_minute)
            name = f"{self.config.section} {self.config.model} {what}"
            return SharedLimiter(name, per_minute, self._reserve)

        requests = limiter(self.config.requests_per_minute, "requests")
        return requests, limiter(self.config.tokens_per_minute, "tokens")

    def share_rates(self, reserve: Reserve) -> None:
        """Keep the limits per minute together with other processes, from the first request on."""
        self._reserve = reserve
        self.__dict__.pop("_limiters", None)

    @asynccontextmanager
    async def _first_alone(self, names: frozenset[str]) -> AsyncIterator[None]:
        """Let the first request with these parameters go alone.

        What the server refuses is then learnt from one request, and not from each in flight.
        """
        if names in self._parameters.answered:
            yield
            return
        await self._alone.acquire()
        alone = names not in self._parameters.answered
        if not alone:
            self._alone.release()
        try:
            yield
        finally:
            if alone:
                self._alone.release()

    async def _wait_for_rate(self, length: int, max_tokens: int) -> None:
        """Wait until the rate limits allow a request whose prompt has `length` characters."""
        requests, tokens = self._limiters
        if requests:
            await requests.acquire(1)
        if tokens:
            # About four characters per token, in most languages and tokenizers.
            await tokens.acquire(length / 4 + max_tokens)


def _perhaps_for_its_form(failure: Failure, sent: Mapping[str, Any]) -> bool:
    """Return whether a request may have failed because of the form that it asks for."""
    if failure.filtered is not None or failure.is_about_the_key:
        return False
    return bool(set(sent) & set(FORM)) and (failure.status in (400, 404, 422, 500, 501, 502))


def _empty(choice: Choice, thought: bool, tokens: Tokens) -> Malformed:
    if choice.calls_tool:
        return Empty("the server sent a call of a tool instead of a text", tokens)
    if choice.cut_off and thought:
        message = f"{ONLY_THOUGHT}; the limit of tokens has ended it"
        return Empty(message, tokens, "thought_tokens")
    if choice.cut_off:
        message = "the server sent an empty text, which the limit of tokens has ended"
        return Empty(message, tokens, "thought_tokens")
    message = ONLY_THOUGHT if choice.thought else "the server sent an empty text"
    return Empty(message, tokens)
