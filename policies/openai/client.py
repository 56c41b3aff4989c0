"""A client of OpenAI-compatible servers: limits, retries, and errors in plain words."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import openai
from aiolimiter import AsyncLimiter

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.messages import Message, to_dicts
from social_sandbox.envs.turns import Tokens

KEY = "OPENAI_API_KEY"

REFUSED = "the server refused the content"
"""The `error` of an utterance that a server's filter, not a failure, left without an answer."""


class ApiError(Exception):
    """A request that will not succeed, however often it is sent. `setting` is what to look at."""

    def __init__(self, message: str, setting: str = "", tokens: Tokens | None = None) -> None:
        """`message` is one line and holds no key."""
        super().__init__(message)
        self.setting = setting
        self.tokens = tokens or Tokens()


@dataclass(frozen=True, slots=True)
class Position:
    """One token of a reply, and the likeliest tokens at its place with their log-probabilities."""

    token: str
    top: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said, and how likely its tokens were, where that was asked for."""

    text: str
    cut_off: bool
    tokens: Tokens
    logprobs: tuple[Position, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ApiConfig:
    """How to talk to a server.

    Attributes:
        section: of the settings, for errors.
        model: the server's name for the model.
        base_url: None is OpenAI's own.
        api_key_env: the environment variable that holds the key. A server of one's own, at
            another base_url, needs none.
        max_concurrency: requests under way at once.
        requests_per_minute: None is no limit.
        tokens_per_minute: prompt and completion, estimated before a request is sent.
        timeout: of one request, in seconds.
        max_retries: after connection errors, timeouts, 408, 409, 429 and 5xx; with growing
            pauses, or as long as the server's Retry-After says.
        usd_per_million_prompt_tokens: for the running account of money; None counts none.
        usd_per_million_completion_tokens: likewise.
        extra: further fields of every request, such as {top_k: 50} for vLLM.
    """

    section: str = "policy"
    model: str
    base_url: str | None = None
    api_key_env: str = KEY
    max_concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 60.0
    max_retries: int = 5
    usd_per_million_prompt_tokens: float | None = None
    usd_per_million_completion_tokens: float | None = None
    extra: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        least = {"max_concurrency": 1, "max_retries": 0}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise UserError(
                    f"{self.section}.{name} must be at least {bound}, got {getattr(self, name)}"
                )
        for name in ("requests_per_minute", "tokens_per_minute", "timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UserError(f"{self.section}.{name} must be above 0, got {value}")
        if self.base_url and not self.base_url.startswith(("http://", "https://")):
            raise UserError(
                f"{self.section}.base_url must begin with http:// or https://: {self.base_url}"
            )


class ApiClient:
    """Sends requests. All of its coroutines run on one event loop, see `background`."""

    def __init__(self, config: ApiConfig) -> None:
        """Reads the key from the environment. Raises UserError where it is needed and missing."""
        self.config = config
        self._key = os.environ.get(config.api_key_env, "").strip()
        if not self._key and config.base_url is None:
            section, name = config.section, config.api_key_env
            raise UserError(
                f"{section}.api_key_env: the environment variable {name} is not set; "
                f"set it, or name a server of your own with {section}.base_url"
            )

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        seed: int | None,
        max_tokens: int,
        sampling: Mapping[str, Any],
        form: Mapping[str, Any] | None = None,
    ) -> Reply:
        """One reply. Raises ApiError."""
        config = self.config
        # OpenAI's newer models refuse `max_tokens`, older servers know nothing else.
        limit = "max_completion_tokens" if config.base_url is None else "max_tokens"
        request = {
            "model": config.model,
            "messages": to_dicts(messages),
            limit: max_tokens,
            **{name: value for name, value in sampling.items() if value is not None},
            **(form or {}),
        }
        if seed is not None:
            request["seed"] = seed % 2**31
        async with self._free:
            await self._within_limits(messages, max_tokens)
            try:
                raw = await self._client.chat.completions.with_raw_response.create(
                    **request, extra_body=dict(config.extra or {})
                )
            except openai.OpenAIError as error:
                raise self._in_plain_words(error, config.max_retries) from None
        try:
            completion = raw.parse()
        except (openai.OpenAIError, ValueError) as error:
            spent = self._cost(0, 0, raw.retries_taken)
            raise Malformed("the server sent no JSON", spent) from error
        return self._reply(completion, raw.retries_taken)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """The embeddings of texts. Raises ApiError."""
        async with self._free:
            try:
                answer = await self._client.embeddings.create(
                    model=self.config.model, input=list(texts), encoding_format="float"
                )
            except (openai.OpenAIError, ValueError) as error:
                raise self._in_plain_words(error, self.config.max_retries) from None
        vectors = [entry.embedding for entry in sorted(answer.data, key=lambda e: e.index)]
        if len(vectors) != len(texts):
            raise ApiError(f"{len(texts)} texts, and {len(vectors)} embeddings of them", "model")
        return vectors

    @cached_property
    def _client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            # Without a key, and without looking for one where it was not told to.
            api_key=self._key or "none",
            base_url=self.config.base_url or "https://api.openai.com/v1",
            timeout=self.config.timeout,
            max_retries=self.config.max_retries,
        )

    @cached_property
    def _free(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.config.max_concurrency)

    @cached_property
    def _limiters(self) -> tuple["_Limiter | None", "_Limiter | None"]:
        limits = (self.config.requests_per_minute, self.config.tokens_per_minute)
        requests, tokens = (_Limiter(limit) if limit else None for limit in limits)
        return requests, tokens

    async def _within_limits(self, messages: Sequence[Message], max_tokens: int) -> None:
        requests, tokens = self._limiters
        if requests:
            await requests.take(1)
        if tokens:
            # About four characters a token, in most languages and tokenizers.
            about = sum(len(message.content) for message in messages) / 4 + max_tokens
            await tokens.take(about)

    def _reply(self, completion: Any, retries: int) -> Reply:
        usage = getattr(completion, "usage", None)
        tokens = self._cost(
            getattr(usage, "prompt_tokens", 0) or 0,
            getattr(usage, "completion_tokens", 0) or 0,
            retries,
        )
        choices = getattr(completion, "choices", None)
        if not choices or getattr(choices[0], "message", None) is None:
            raise Malformed("the server sent no choice", tokens)
        choice = choices[0]
        if choice.finish_reason == "content_filter" or getattr(choice.message, "refusal", None):
            raise Refused(tokens)
        if not (choice.message.content or "").strip():
            raise Malformed("the server sent an empty text", tokens)
        return Reply(
            text=choice.message.content.strip(),
            cut_off=choice.finish_reason == "length",
            tokens=tokens,
            logprobs=_logprobs(choice),
        )

    def _cost(self, prompt: int, completion: int, retries: int) -> Tokens:
        config = self.config
        usd = (
            prompt * (config.usd_per_million_prompt_tokens or 0)
            + completion * (config.usd_per_million_completion_tokens or 0)
        ) / 1e6
        return Tokens(prompt, completion, requests=1 + retries, retries=retries, usd=usd)

    def _in_plain_words(self, error: Exception, retries: int) -> "ApiError":
        where = self.config.base_url or "OpenAI"
        if isinstance(error, openai.APITimeoutError):
            what, setting = f"{where} did not answer within {self.config.timeout:g} s", "timeout"
        elif isinstance(error, openai.APIConnectionError):
            what, setting = f"cannot reach {where}", "base_url"
        elif isinstance(error, openai.APIStatusError):
            return self._status(error, where, retries)
        else:
            return Malformed(self._without_key(str(error)), self._cost(0, 0, retries))
        what += f", tried {retries + 1} times" if retries else ""
        return ApiError(what, setting, self._cost(0, 0, retries))

    def _status(self, error: openai.APIStatusError, where: str, retries: int) -> "ApiError":
        status = error.status_code
        said = self._without_key(_said(error))
        tokens = self._cost(0, 0, retries if status in (408, 409, 429) or status >= 500 else 0)
        if status in (401, 403):
            which = self.config.api_key_env
            what = f"{where} refused the key in {which}" if self._key else f"{where} wants a key"
            return ApiError(f"{what} ({status})", "api_key_env", tokens)
        if status == 404:
            what = f"{where} has no model {self.config.model!r}, or nothing at this path ({said})"
            return ApiError(what, "model", tokens)
        if error.code in ("content_filter", "content_policy_violation"):
            return Refused(tokens)
        if status in (400, 413, 422):
            return Rejected(f"{where} rejected the request ({status}: {said})", "extra", tokens)
        what = f"{where} failed ({status}: {said})"
        what += f", tried {retries + 1} times" if retries else ""
        return ApiError(what, "max_retries", tokens)

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


class _Limiter:
    """So much a minute, in the order of asking, with bursts of what one second allows at most."""

    def __init__(self, per_minute: float) -> None:
        burst = max(1.0, per_minute / 60)
        self._bucket = AsyncLimiter(burst, burst * 60 / per_minute)
        self._turn = asyncio.Lock()

    async def take(self, amount: float) -> None:
        """Wait until this much is allowed; it may be more than a burst."""
        async with self._turn:
            while amount > 0:
                part = min(amount, self._bucket.max_rate)
                await self._bucket.acquire(part)
                amount -= part


class Malformed(ApiError):
    """An answer that cannot be used; the next one may be better."""

    def __init__(self, message: str, tokens: Tokens) -> None:
        """See `ApiError`."""
        super().__init__(message, tokens=tokens)


class Rejected(ApiError):
    """A request that this server does not understand, or whose content it refuses."""


class Refused(ApiError):
    """What the server says in place of the model: that it does not answer this content."""

    def __init__(self, tokens: Tokens) -> None:
        """See `ApiError`."""
        super().__init__(REFUSED, tokens=tokens)


def _said(error: openai.APIStatusError) -> str:
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or error.message).split())[:200]


def _logprobs(choice: Any) -> tuple[Position, ...]:
    content = getattr(getattr(choice, "logprobs", None), "content", None) or []
    return tuple(
        Position(at.token, {other.token: other.logprob for other in at.top_logprobs or [at]})
        for at in content
    )
