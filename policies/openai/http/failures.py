"""What a server says when it fails, by a status code or inside a reply."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_LENGTH = 200
"""The largest number of characters of a server's words in a message."""

_ECHOES = frozenset({"input", "body", "request", "messages", "url", "ctx", "headers"})
"""Fields of an error in which servers repeat the request."""

_ECHO = re.compile(r"""['"]?\binput(?:_value)?['"]?\s*[=:]\s*\{.*?\}""", re.DOTALL)

_FILTERED = frozenset(
    {
        *("content_filter", "content_filtered", "content_policy_violation", "contentfilter"),
        *("contentpolicyviolationerror", "responsibleaipolicyviolation", "content_blocked"),
        *("data_inspection_failed", "datainspectionfailed", "moderation", "moderation_blocked"),
        *("safety", "prohibited_content", "blocklist", "spii", "recitation", "image_safety"),
        *("sensitive", "guardrail_intervened", "refusal", "jailbreak", "cyber_policy_violation"),
    }
)
"""Codes by which servers say that a filter has held back a text."""

_FILTERED_WORDS = re.compile(
    r"content[ _-]?(?:management |safety )?(?:filter|polic(?:y|ies)\b)|usage (?:polic|guidelines)"
    r"|\bflagged\b|inappropriate content|content exists risk|considered high risk"
    r"|prohibited[_ ]content|safety (?:system|filter|guidelines|reasons)|responsible ai"
    r"|不安全|敏感内容",
    re.IGNORECASE,
)

_KEY_WORDS = re.compile(
    r"auth_error|authentication|invalid_api_key|(?:incorrect|invalid|no|missing) api[ _]key"
    r"|api[ _]key (?:not valid|is invalid|expired|not found|provided)|token_not_found"
    r"|invalid (?:proxy server )?token|virtual key|unauthori[sz]ed",
    re.IGNORECASE,
)

_WORDS_OF_CODES = (
    (re.compile(r"rate_?limit|too_many|throttl|resource_exhausted", re.I), 429),
    (re.compile(r"auth|api_key|permission|unauthenticated", re.I), 401),
    (re.compile(r"not_?found", re.I), 404),
    (
        re.compile(r"invalid_(?:request|argument|param)|bad_?request|unsupported|unknown_p", re.I),
        400,
    ),
    (re.compile(r"context_length|validation", re.I), 400),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request.

    Attributes:
        status: The HTTP status code, or the code in the body of a reply; 0 without an answer.
        words: The server's explanation.
        codes: The codes and types of the error, in lower case.
        names: The parameters that the server names in fields of its error.
        text: All words of the error, without repetitions of the request.
        retry_after: The pause that the server asks for, in seconds.
        again: What the server says about another try; None if it says nothing.
        setting: The setting to look at, where the client knows it.
    """

    status: int
    words: str
    codes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    text: str = field(default="", repr=False)
    retry_after: float | None = None
    again: bool | None = None
    setting: str = ""

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        if self.codes & {"insufficient_quota", "billing_hard_limit_reached"}:
            return False
        if self.again is not None:
            return self.again
        transient = self.status in (0, 408, 409, 425, 429) or self.status >= 500
        return transient and self.status not in (501, 505) and self.filtered is None

    @property
    def is_about_the_key(self) -> bool:
        """Whether the server refuses the key."""
        named = _KEY_WORDS.search(f"{' '.join(self.codes)} {self.text}")
        return self.status == 401 or (self.status in (400, 403, 500) and bool(named))

    @property
    def filtered(self) -> str | None:
        """The reason in a few words if a content filter has refused the request, else None."""
        found = sorted(code for code in self.codes if _is_filter(code))
        if not found and self.status not in (0, 401, 404, 429):
            match = _FILTERED_WORDS.search(self.text)
            found = [" ".join(match[0].lower().split())] if match else []
        if not found:
            return None
        reasons = sorted(name for name in self.names if name.startswith(_CATEGORY))
        categories = ", ".join(name.removeprefix(_CATEGORY) for name in reasons)
        return f"{found[0]}: {categories}" if categories else found[0]


_EXPLANATIONS = (
    *("error", "errors", "message", "msg", "detail", "error_description", "error_msg"),
    "error_message",
)
"""Fields in which servers explain an error, the most telling first."""

_CATEGORY = "category of the filter: "


def failure_of(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Failure:
    """Return the failure that a status code and the body of the answer tell of.

    Args:
        status: The status code.
        body: The body: parsed JSON, or a text.
        headers: The headers of the answer.
    """
    headers = headers or {}
    codes: set[str] = set()
    names: set[str] = set()
    texts: list[str] = []
    for name, value in _fields(body):
        if name in ("code", "type", "status", "reason") and isinstance(value, str | int):
            codes.add(str(value).lower())
        if name in ("param", "params", "loc"):
            names |= {str(part) for part in (value if isinstance(value, list) else [value]) if part}
        if name and isinstance(value, Mapping) and value.get("filtered") is True:
            names.add(f"{_CATEGORY}{name}")
        if isinstance(value, str):
            texts.append(value)
    again = {"true": True, "false": False}.get(str(headers.get("x-should-retry")))
    return Failure(
        status=status,
        words=one_line(_explanation(body) or f"no explanation, status {status}"),
        codes=frozenset(codes),
        names=frozenset(names),
        text=_ECHO.sub(" ", "\n".join(texts)),
        retry_after=_retry_after(headers),
        again=again,
    )


def failure_inside(body: Mapping[str, Any]) -> Failure | None:
    """Return the failure that a reply of status 200 tells of; None if it holds no error."""
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    inner = choice.get("error") if isinstance(choice, Mapping) else None
    error = body.get("error") or inner or body.get("errors")
    bare = body.get("object") == "error" or ("choices" not in body and "data" not in body)
    if not error and not (bare and _explanation(body)):
        return None
    found = failure_of(200, error or body)
    numbers = [int(code) for code in found.codes if re.fullmatch("[45][0-9]{2}", code)]
    by_words = (status for words, status in _WORDS_OF_CODES if any(map(words.search, found.codes)))
    status = numbers[0] if numbers else next(by_words, 500)
    return failure_of(status, error or body)


def is_filter(reason: object) -> bool:
    """Return whether the reason why a reply has ended is a filter."""
    return isinstance(reason, str) and _is_filter(reason.lower())


def one_line(text: str) -> str:
    """Return a text as one line of at most 200 characters, without tags of a web page."""
    if "<" in text and re.search(r"<(?:!doctype|html|head|body|title)\b", text, re.IGNORECASE):
        text = re.sub(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>", " ", text)
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:_LENGTH]


def _is_filter(code: str) -> bool:
    word = re.split(r"[:\s]", code.strip(), maxsplit=1)[0]
    return word.replace("-", "_") in _FILTERED


def _explanation(body: Any) -> str:
    """Return the words of an error in the forms in which servers wrap them."""
    if isinstance(body, str):
        return body
    if isinstance(body, Sequence) and not isinstance(body, bytes):
        return "; ".join(filter(None, map(_explanation, body)))
    if not isinstance(body, Mapping):
        return ""
    for name in _EXPLANATIONS:
        words = _explanation(body.get(name))
        if not words:
            continue
        place = body.get("loc")
        if name == "msg" and isinstance(place, list):
            return f"{'.'.join(map(str, place))}: {words}"
        # OpenRouter keeps the words of the provider apart from its own.
        metadata = body.get("metadata")
        raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
        return f"{words} ({_raw(raw)})" if raw else words
    return ""


def _raw(raw: Any) -> str:
    if isinstance(raw, str):
        try:
            return _explanation(json.loads(raw)) or raw
        except ValueError:
            return raw
    return _explanation(raw)


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all fields of an error with their names, without repetitions of the request."""
    yield name, value
    if isinstance(value, Mapping):
        for inner, part in value.items():
            if inner not in _ECHOES or (inner == "body" and name == "error"):
                yield from _fields(part, str(inner))
    elif isinstance(value, list):
        for part in value:
            yield from _fields(part)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the pause in seconds that the headers of an answer ask for."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after", "")
        if re.fullmatch(r"\s*[0-9.]+\s*s?\s*", value):
            return float(value.strip().rstrip("s "))
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment - datetime.now(moment.tzinfo or UTC)).total_seconds())
    except (ValueError, TypeError, IndexError):
        return None
