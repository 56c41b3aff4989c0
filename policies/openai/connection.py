"""One request to a server: what comes back is parsed, or told as a failure without secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx2
import openai

from social_sandbox.envs.turns import Tokens

from .config import ApiConfig
from .errors import ApiError, Unreadable
from .failures import Failure, failure_inside, failure_of, one_line
from .replies import is_stream, parsed


async def post(
    client: openai.AsyncOpenAI,
    path: str,
    fields: Mapping[str, Any],
    config: ApiConfig,
    hidden: Sequence[str],
    cost: Tokens,
) -> Any:
    """Return the parsed answer to one request, or its failure.

    Args:
        client: The client library.
        path: Path of the endpoint.
        fields: The fields of the request, to which those of `config.extra` are added.
        config: The settings of the connection.
        hidden: Texts that no failure may quote.
        cost: Cost of the request, for errors.

    Raises:
        Unreadable: The answer is no JSON object.
        ApiError: The request cannot be sent, or the answer is none of this protocol.
    """
    answer = await _answer(client, path, {**fields, **config.body}, config)
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


async def _answer(
    client: openai.AsyncOpenAI, path: str, body: Mapping[str, Any], config: ApiConfig
) -> httpx2.Response | Failure:
    options: Any = {"headers": config.headers, "params": config.query}
    try:
        return await client.post(path, cast_to=httpx2.Response, body=body, options=options)
    except openai.APIStatusError as error:
        return failure_of(error.status_code, _body(error.response), dict(error.response.headers))
    except openai.APITimeoutError:
        return Failure(0, f"did not answer within {config.timeout:g} s", setting="timeout")
    except openai.APIConnectionError as error:
        reason = one_line(str(error.__cause__ or ""))
        return Failure(0, f" ({reason})" if reason else "", setting="base_url")
    except (openai.OpenAIError, httpx2.InvalidURL, ValueError, TypeError) as error:
        raise unsendable(config, error) from None


def unsendable(config: ApiConfig, error: Exception) -> ApiError:
    """Return the error of a request that cannot be sent.

    A proxy in the environment may be at fault; its address may be a secret.
    """
    return ApiError(
        f"cannot send a request to {config.server} ({type(error).__name__}); look at HTTP_PROXY, "
        f"HTTPS_PROXY, ALL_PROXY and {config.section}.extra"
    )


def _parsed(
    response: httpx2.Response, config: ApiConfig, hidden: Sequence[str], cost: Tokens
) -> Any:
    """Return the JSON of an answer, or the failure that it tells of."""
    text = _text(response)
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


def _text(response: httpx2.Response) -> str:
    return response.content.decode("utf-8", "replace").lstrip("\ufeff")


def _body(response: httpx2.Response) -> Any:
    text = _text(response)
    try:
        return parsed(text)
    except ValueError:
        return text
