"""The replies of a server: text, cost, reason of the end, log-probabilities, embeddings."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from social_sandbox.envs.text.thoughts import Parted, part

from .failures import is_filter

_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thoughts")
"""Fields in which servers send the thoughts of a model; they are never the answer."""

_ENDS = ("finish_reason", "native_finish_reason", "stop_reason", "finishReason", "blockReason")
"""Fields that say why a reply has ended."""

_CHARACTERS = 4
"""Characters in a token, in most languages and tokenizers."""


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """One token of a reply, and the log-probabilities of the likeliest tokens in its place."""

    token: str
    top: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reply holds.

    Attributes:
        text: The text, without thoughts and without blanks around it.
        thought: Whether the model has thought before it answered.
        written: Number of characters that the model has written, thoughts included.
        cut_off: Whether the limit of tokens has ended the text.
        filtered: The reason of a content filter that has held back the text; None without one.
        calls_tool: Whether the model has called a tool.
        logprobs: Log-probabilities of the text, token by token; empty if there are none.
    """

    text: str
    thought: bool
    written: int
    cut_off: bool
    filtered: str | None
    calls_tool: bool
    logprobs: tuple[TokenLogprobs, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of a request.

    Attributes:
        prompt: Tokens that the model has read.
        completion: Tokens that the model has written, thoughts included.
        thoughts: Tokens of thoughts, as far as the server tells.
        cached: Tokens of the prompt that the server had in its cache, as far as it tells.
        estimated: Whether a number is an estimate, because the server has not told it.
    """

    prompt: int
    completion: int
    thoughts: int
    cached: int
    estimated: bool


def parsed(text: str) -> Any:
    """Return the JSON of a reply, or of the events of a stream that hold an error.

    Raises:
        ValueError: The text is neither.
    """
    try:
        return json.loads(text)
    except ValueError:
        for event in _events(text):
            if isinstance(event, Mapping) and event.get("error"):
                return event
        raise


def is_stream(text: str) -> bool:
    """Return whether a reply is a stream of events."""
    return any(isinstance(event, Mapping) for event in _events(text))


def read_choice(body: Mapping[str, Any]) -> Choice | None:
    """Return the first choice of a reply; None if there is none that can be read."""
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, Sequence) and choices else None
    if not isinstance(choice, Mapping):
        held_back = _held_back(body)
        return Choice("", False, 0, False, held_back, False, ()) if held_back else None
    message = choice.get("message")
    if not isinstance(message, Mapping):
        message = {}
    text, thoughts, refusal = _parts(message.get("content"))
    refusal = message.get("refusal") or refusal
    thoughts += "".join(_parts(message.get(name))[0] for name in _THOUGHTS)
    parted = part(text)
    answer = parted.answer.strip()
    ends = [choice.get(name) for name in _ENDS]
    filtered = next((str(end).lower() for end in ends[:1] if is_filter(end)), None)
    if not answer and not filtered:
        filtered = _held_back(choice) or _held_back(body)
    if isinstance(refusal, str) and refusal.strip():
        filtered = filtered or f"refusal: {' '.join(refusal.split())[:100]}"
    if not answer and not filtered and not message and "finish_reason" not in choice:
        return None
    return Choice(
        text=answer,
        thought=parted.thought or bool(thoughts.strip()),
        written=len(text) + len(thoughts),
        cut_off=any(str(end).lower() in ("length", "max_tokens") for end in ends),
        filtered=filtered,
        calls_tool=bool(message.get("tool_calls") or message.get("function_call")),
        logprobs=_of_answer(tuple(_logprobs(choice.get("logprobs"))), parted),
    )


def read_usage(body: Mapping[str, Any], prompt_length: int, choice: Choice | None) -> Usage:
    """Return the tokens of a reply; what the server does not tell is estimated.

    Args:
        body: The reply.
        prompt_length: Number of characters in the prompt.
        choice: What the reply holds, if it can be read.
    """
    usage = body.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    prompt = _count(usage, "prompt_tokens") or _count(usage, "input_tokens")
    completion = _count(usage, "completion_tokens") or _count(usage, "output_tokens")
    total, estimated = _count(usage, "total_tokens"), False
    if not prompt and completion and total > completion:
        prompt = total - completion
    if not prompt:
        prompt, estimated = math.ceil(prompt_length / _CHARACTERS), True
    written = choice.written if choice else 0
    if not completion and not estimated and total > prompt:
        completion = total - prompt
    elif not completion and written:
        completion, estimated = math.ceil(written / _CHARACTERS), True
    details = usage.get("completion_tokens_details")
    thoughts = _count(details, "reasoning_tokens") if isinstance(details, Mapping) else 0
    return Usage(prompt, completion, thoughts, min(_cached(body, usage), prompt), estimated)


def _cached(body: Mapping[str, Any], usage: Mapping[str, Any]) -> int:
    """Return how many tokens of the prompt the server has read from its cache."""
    details, timings = usage.get("prompt_tokens_details"), body.get("timings")
    if isinstance(details, Mapping) and _count(details, "cached_tokens"):
        return _count(details, "cached_tokens")
    for name in ("prompt_cache_hit_tokens", "cache_read_input_tokens"):
        if _count(usage, name):
            return _count(usage, name)
    return _count(timings, "cache_n") if isinstance(timings, Mapping) else 0


def read_embeddings(body: Any, n: int) -> list[list[float]] | str:
    """Return the embedding of each of n texts, or what is wrong with the reply."""
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, list) or not all(isinstance(entry, Mapping) for entry in data):
        return "the server sent no embeddings"
    if len(data) != n:
        return f"{n} texts, and {len(data)} embeddings of them"
    if all(isinstance(entry.get("index"), int) for entry in data):
        data = sorted(data, key=lambda entry: entry["index"])
    vectors = [entry.get("embedding") for entry in data]
    if not all(isinstance(vector, list) and vector and _finite(vector) for vector in vectors):
        return "an embedding is no list of numbers"
    if len({len(vector) for vector in vectors}) > 1:
        return "the embeddings have different lengths"
    return [[float(value) for value in vector] for vector in vectors]


def _finite(vector: list[Any]) -> bool:
    return all(isinstance(value, int | float) and math.isfinite(value) for value in vector)


def _events(text: str) -> Iterator[Any]:
    """Yield the JSON of the events of a stream."""
    for line in text.splitlines():
        if line.startswith("data:"):
            try:
                yield json.loads(line.removeprefix("data:"))
            except ValueError:
                continue


def _parts(content: Any) -> tuple[str, str, str]:
    """Return the text, the thoughts and the refusal of a content, which may be a list of parts."""
    if isinstance(content, str):
        return content, "", ""
    if isinstance(content, Mapping):
        content = [content]
    text = thoughts = refusal = ""
    for piece in content if isinstance(content, Sequence) else ():
        if isinstance(piece, str):
            text += piece
        elif isinstance(piece, Mapping):
            kind, said = str(piece.get("type", "text")), _said(piece)
            if kind in ("text", "output_text"):
                text += said
            elif kind == "refusal":
                refusal += said
            else:
                thoughts += said
    return text, thoughts, refusal


def _said(piece: Mapping[str, Any]) -> str:
    """Return the text of a part, which may hold parts or an object with a value."""
    for name in ("text", "output_text", "content", "value", "thinking", "reasoning", "refusal"):
        value = piece.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping | list):
            return "".join(_parts(value))
    return ""


def _held_back(value: Mapping[str, Any]) -> str | None:
    """Return the reason of a filter in one of the fields that say why a reply has ended."""
    feedback = value.get("promptFeedback") or value.get("prompt_feedback") or {}
    for source in (value, feedback):
        if isinstance(source, Mapping):
            for name in (*_ENDS, "block_reason"):
                if is_filter(source.get(name)):
                    return str(source[name]).lower()
    for results in ("content_filter_results", "content_filter_result"):
        found = value.get(results)
        kinds = found.items() if isinstance(found, Mapping) else ()
        names = [k for k, v in kinds if isinstance(v, Mapping) and v.get("filtered") is True]
        if names:
            return f"content_filter: {', '.join(sorted(names))}"
    return None


def _count(usage: Mapping[str, Any], name: str) -> int:
    """Return a number of tokens; 0 if there is none."""
    try:
        return max(0, int(usage.get(name) or 0))
    except (TypeError, ValueError, OverflowError):
        return 0


def _logprobs(logprobs: Any) -> Iterator[TokenLogprobs]:
    """Yield the tokens of a reply whose log-probabilities are known."""
    if not isinstance(logprobs, Mapping):
        return
    content = logprobs.get("content")
    if not isinstance(content, list):
        yield from _legacy_logprobs(logprobs)
        return
    for at in content:
        if isinstance(at, Mapping):
            others = at.get("top_logprobs")
            others = others if isinstance(others, list) and others else [at]
            pairs = [(_token(o), o.get("logprob")) for o in others if isinstance(o, Mapping)]
            yield TokenLogprobs(_token(at), _known(pairs))


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


def _legacy_logprobs(logprobs: Mapping[str, Any]) -> Iterator[TokenLogprobs]:
    """Yield tokens in the form of the former completions, which some servers have kept."""
    tokens, own, tops = (logprobs.get(n) for n in ("tokens", "token_logprobs", "top_logprobs"))
    for place, token in enumerate(tokens if isinstance(tokens, list) else ()):
        top = tops[place] if isinstance(tops, list) and place < len(tops) else None
        if isinstance(top, Mapping) and top:
            pairs = [(_plain(str(name)), value) for name, value in top.items()]
        else:
            pairs = [(_plain(str(token)), value) for value in (own or [])[place : place + 1]]
        yield TokenLogprobs(_plain(str(token)), _known(pairs))


def _known(pairs: Sequence[tuple[str, Any]]) -> dict[str, float]:
    """Return the log-probabilities that are numbers; null, NaN and -inf stand for none."""
    known: dict[str, float] = {}
    for token, logprob in pairs:
        number = isinstance(logprob, int | float) and not isinstance(logprob, bool)
        if number and math.isfinite(logprob) and token not in known:
            known[token] = min(0.0, float(logprob))
    return known


def _token(at: Mapping[str, Any]) -> str:
    """Return the text of a token, from its bytes where the server sends no text."""
    token, encoded = at.get("token"), at.get("bytes")
    if isinstance(token, str) and token and not token.startswith(("token_id:", "bytes:")):
        return _plain(token)
    try:
        return bytes(encoded or ()).decode("utf-8", "replace")
    except (TypeError, ValueError):
        return ""


def _plain(token: str) -> str:
    """Return a token with a blank for the marks by which tokenizers write one."""
    return token.replace("\u2581", " ").replace("\u0120", " ")
