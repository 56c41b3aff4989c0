"""A client of servers with an OpenAI-compatible API: rate limits, retries and plain errors."""

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
from social_sandbox.envs.thoughts import ONLY_THOUGHT, Parted, part
from social_sandbox.envs.turns import Tokens

from .config import ApiConfig
from .errors import ApiError, Malformed, Refused, Rejected


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """One token of a reply, and the log-probabilities of the likeliest tokens in its place."""

    token: str
    top: Mapping[str, float]


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
    """Sends requests to a server.

    All coroutines of one client have to run on the same event loop, see `policies.background`.
    """

    def __init__(self, config: ApiConfig) -> None:
        """Read the API key from the environment.

        Raises:
            UserError: The server is OpenAI, and there is no key.
        """
        self.config = config
        self._key = os.environ.get(config.api_key_env, "").strip()
        if not self._key and config.base_url is None:
            section, name = config.section, config.api_key_env
            raise UserError(
                f"{section}.api_key_env: the environment variable {name} is not set; "
                f"set it, or name a server of your own with {section}.base_url"
            )

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
    ) -> Reply:
        """Return the reply to a conversation.

        Args:
            messages: The conversation.
            seed: Seed of the sampling; None sends none.
            max_tokens: The largest number of tokens in the reply.
            sampling: Fields such as `temperature`; fields that are None are not sent.
            form: Further fields of the request, which determine the form of the reply.

        Raises:
            ApiError: There is no reply.
        """
        config = self.config
        # OpenAI's newer models refuse `max_tokens`; other servers may know only `max_tokens`.
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
        async with self._semaphore:
            await self._wait_for_rate(messages, max_tokens)
            try:
                response = await self._client.chat.completions.with_raw_response.create(
                    **request, extra_body=dict(config.extra or {})
                )
            except openai.OpenAIError as error:
                raise self._api_error(error) from None
        try:
            completion = response.parse()
        except (openai.OpenAIError, ValueError) as error:
            cost = self._cost(retries=response.retries_taken)
            raise Malformed("the server sent no JSON", cost) from error
        return self._reply(completion, response.retries_taken)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the embedding of each text.

        Raises:
            ApiError: There are no embeddings.
        """
        async with self._semaphore:
            try:
                response = await self._client.embeddings.create(
                    model=self.config.model, input=list(texts), encoding_format="float"
                )
            except (openai.OpenAIError, ValueError) as error:
                raise self._api_error(error) from None
        entries = sorted(response.data, key=lambda entry: entry.index)
        if len(entries) != len(texts):
            raise ApiError(f"{len(texts)} texts, and {len(entries)} embeddings of them", "model")
        return [entry.embedding for entry in entries]

    @cached_property
    def _client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            # A placeholder, since the library would look for another key in the environment.
            api_key=self._key or "none",
            base_url=self.config.base_url or "https://api.openai.com/v1",
            timeout=self.config.timeout,
            max_retries=self.config.max_retries,
        )

    @cached_property
    def _semaphore(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.config.max_concurrency)

    @cached_property
    def _limiters(self) -> tuple["_RateLimiter | None", "_RateLimiter | None"]:
        """The limiters of requests and of tokens."""
        limits = (self.config.requests_per_minute, self.config.tokens_per_minute)
        requests, tokens = (_RateLimiter(limit) if limit else None for limit in limits)
        return requests, tokens

    async def _wait_for_rate(self, messages: Sequence[Message], max_tokens: int) -> None:
        """Wait until the rate limits allow this request."""
        requests, tokens = self._limiters
        if requests:
            await requests.acquire(1)
        if tokens:
            # About four characters per token, in most languages and tokenizers.
            estimate = sum(len(message.content) for message in messages) / 4 + max_tokens
            await tokens.acquire(estimate)

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
        parted = part(choice.message.content)
        if parted.only_thought:
            why = "; the limit of tokens has ended it" if choice.finish_reason == "length" else ""
            raise Malformed(f"{ONLY_THOUGHT}{why}", tokens)
        return Reply(
            text=parted.answer.strip(),
            cut_off=choice.finish_reason == "length",
            tokens=tokens,
            logprobs=_of_answer(_logprobs(choice), parted),
        )

    def _cost(self, prompt: int = 0, completion: int = 0, retries: int = 0) -> Tokens:
        usd = self.config.price(prompt, completion)
        return Tokens(prompt, completion, requests=1 + retries, retries=retries, usd=usd)

    def _api_error(self, error: Exception) -> ApiError:
        """Return the error of the library as one in plain words, which names a setting."""
        server, retries = self.config.base_url or "OpenAI", self.config.max_retries
        if isinstance(error, openai.APIStatusError):
            return self._status_error(error, server, retries)
        if isinstance(error, openai.APITimeoutError):
            timeout = self.config.timeout
            message, setting = f"{server} did not answer within {timeout:g} s", "timeout"
        elif isinstance(error, openai.APIConnectionError):
            message, setting = f"cannot reach {server}", "base_url"
        else:
            return Malformed(self._without_key(str(error)), self._cost(retries=retries))
        return ApiError(message + _repetitions(retries), setting, self._cost(retries=retries))

    def _status_error(self, error: openai.APIStatusError, server: str, retries: int) -> ApiError:
        """Return the error of an HTTP status code."""
        status, config = error.status_code, self.config
        reason = self._without_key(_server_message(error))
        repeated = status in (408, 409, 429) or status >= 500
        tokens = self._cost(retries=retries if repeated else 0)
        if status in (401, 403):
            variable = config.api_key_env
            problem = f"refused the key in {variable}" if self._key else "wants a key"
            return ApiError(f"{server} {problem} ({status})", "api_key_env", tokens)
        if status == 404:
            problem = f"has no model {config.model!r}, or nothing at this path ({reason})"
            return ApiError(f"{server} {problem}", "model", tokens)
        if error.code in ("content_filter", "content_policy_violation"):
            return Refused(tokens)
        if status in (400, 413, 422):
            return Rejected(f"{server} rejected the request ({status}: {reason})", "extra", tokens)
        message = f"{server} failed ({status}: {reason})"
        return ApiError(message + _repetitions(retries), "max_retries", tokens)

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


class _RateLimiter:
    """A limit per minute; bursts are at most as large as the allowance of one second."""

    def __init__(self, per_minute: float) -> None:
        burst = max(1.0, per_minute / 60)
        self._bucket = AsyncLimiter(burst, burst * 60 / per_minute)
        self._lock = asyncio.Lock()

    async def acquire(self, amount: float) -> None:
        """Wait until this amount is allowed, which may be larger than a burst.

        Callers are served in the order of their calls.
        """
        async with self._lock:
            while amount > 0:
                part = min(amount, self._bucket.max_rate)
                await self._bucket.acquire(part)
                amount -= part


def _repetitions(retries: int) -> str:
    return f", tried {retries + 1} times" if retries else ""


def _server_message(error: openai.APIStatusError) -> str:
    """Return the server's explanation of an error as one line of at most 200 characters."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or error.message).split())[:200]


def _of_answer(logprobs: tuple[TokenLogprobs, ...], parted: Parted) -> tuple[TokenLogprobs, ...]:
    """Return the log-probabilities of the tokens that are no thought."""
    if not parted.thought:
        return logprobs
    kept, start = [], 0
    for at in logprobs:
        end = start + len(at.token)
        if any(start < last and end > first for first, last in parted.spans):
            kept.append(at)
        start = end
    return tuple(kept)


def _logprobs(choice: Any) -> tuple[TokenLogprobs, ...]:
    content = getattr(getattr(choice, "logprobs", None), "content", None) or []
    return tuple(
        TokenLogprobs(at.token, {other.token: other.logprob for other in at.top_logprobs or [at]})
        for at in content
    )
