"""The ways in which a server can be asked for a rating, strongest first."""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from social_sandbox.envs.turns import MAX_RATING, MIN_RATING

from .api_client import Reply
from .prompts import FORM
from .ratings import Verdict, parse_verdict

Form = Literal["json_schema", "logprobs", "text"]
FORMS: tuple[Form, ...] = ("json_schema", "logprobs", "text")

_JSON = 'Reply in JSON: {"rating": <1-7>, "reason": "<one sentence>"}'
_JSON_BARE = 'Reply in JSON: {"rating": <1-7>}'
_BARE = "Reply with one digit from 1 to 7 and nothing else."
_RATING = re.compile(r'"rating"\s*:\s*"?([1-7])\b')
_CUT_REASON = re.compile(r'"reason"\s*:\s*"((?:[^"\\]|\\.)*)')


def wording(form: Form, *, reason: bool) -> str:
    """How the prompt asks for it."""
    if form == "json_schema":
        return _JSON if reason else _JSON_BARE
    return FORM if reason else _BARE


def request(form: Form, *, reason: bool) -> dict[str, Any]:
    """What the request has to say besides."""
    if form == "text":
        return {}
    if form == "logprobs":
        return {"logprobs": True, "top_logprobs": 20}
    properties: dict[str, Any] = {
        "rating": {"type": "integer", "enum": list(range(MIN_RATING, MAX_RATING + 1))}
    }
    if reason:
        properties["reason"] = {"type": "string"}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    described = {"name": "verdict", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": described}}


def read(form: Form, reply: Reply) -> Verdict:
    """The rating in a reply; it is missing where there is none.

    From probabilities the rating is their expected value, as a local model's is.
    """
    if form == "json_schema":
        return _read_json(reply.text)
    verdict = parse_verdict(reply.text)
    total = sum(reply.digits.values())
    if form == "logprobs" and total > 0:
        expected = sum(digit * share for digit, share in reply.digits.items()) / total
        return Verdict(round(expected, 4), verdict.reason)
    return verdict


def _read_json(text: str) -> Verdict:
    try:
        said = json.loads(text)
    except json.JSONDecodeError:
        # Cut off by the limit, in the reason: the rating stands before it.
        rating, reason = _RATING.search(text), _CUT_REASON.search(text)
        return Verdict(float(rating[1]) if rating else None, reason[1] if reason else "")
    if not isinstance(said, Mapping):
        return Verdict(None, "")
    rating, reason = said.get("rating"), said.get("reason", "")
    said_why = reason if isinstance(reason, str) else ""
    if isinstance(rating, bool) or not isinstance(rating, int | float):
        return Verdict(None, said_why)
    return Verdict(float(rating) if MIN_RATING <= rating <= MAX_RATING else None, said_why)
