"""The ways in which a server can be asked for a rating, strongest first."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from social_sandbox.envs.turns import MIN_RATING

from ..prompts.prompts import FORM
from ..prompts.ratings import Verdict, parse_verdict
from .client import Position, Reply

Form = Literal["json_schema", "logprobs", "text"]
FORMS: tuple[Form, ...] = ("json_schema", "logprobs", "text")

_JSON = 'Reply in JSON: {"rating": <1-{highest}>, "reason": "<one sentence>"}'
_JSON_BARE = 'Reply in JSON: {"rating": <1-{highest}>}'
_BARE = "Reply with one number from 1 to {highest} and nothing else."
_RATING = re.compile(r'"rating"\s*:\s*"?([0-9]{1,2})\b')
_CUT_REASON = re.compile(r'"reason"\s*:\s*"((?:[^"\\]|\\.)*)')


def wording(form: Form, *, reason: bool) -> str:
    """How the prompt asks for it, on 1..`{highest}`."""
    if form == "json_schema":
        return _JSON if reason else _JSON_BARE
    return FORM if reason else _BARE


def request(form: Form, *, reason: bool, rating_scale: int) -> dict[str, Any]:
    """What the request has to say besides."""
    if form == "text":
        return {}
    if form == "logprobs":
        return {"logprobs": True, "top_logprobs": 20}
    properties: dict[str, Any] = {
        "rating": {"type": "integer", "enum": list(range(MIN_RATING, rating_scale + 1))}
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


def read(form: Form, reply: Reply, rating_scale: int) -> Verdict:
    """The rating in a reply; it is missing where there is none on the scale.

    From probabilities the rating is their expected value, as a local model's is.
    """
    if form == "json_schema":
        return _read_json(reply.text, rating_scale)
    verdict = parse_verdict(reply.text, rating_scale)
    shares = rating_shares(reply.logprobs, rating_scale)
    total = sum(shares.values())
    if form == "logprobs" and total > 0:
        expected = sum(rating * share for rating, share in shares.items()) / total
        return Verdict(round(expected, 4), verdict.reason)
    return verdict


def rating_shares(logprobs: Sequence[Position], rating_scale: int) -> dict[int, float]:
    """Probabilities of the ratings where the reply gives one, as far as the server tells them.

    They need not sum to 1. Where a tokenizer writes 10 as a 1 and a 0, what follows the 1 is known
    only if the reply has one: the probability of a 1 that was not said is left out.
    """
    numbers = {str(rating): rating for rating in range(MIN_RATING, rating_scale + 1)}
    for place, position in enumerate(logprobs):
        if position.token.strip() not in numbers:
            continue
        shares = _numbers(position.top, numbers)
        if rating_scale < 10 or 10 in shares or 1 not in shares:
            return shares
        one, said = shares.pop(1), position.token.strip() == "1"
        if said and place + 1 < len(logprobs):
            after = logprobs[place + 1].top
            zero = min(1.0, sum(_numbers(after, {"0": 0}).values()))
            shares |= {1: one * (1 - zero), 10: one * zero}
        elif said:
            shares[1] = one
        return shares
    return {}


def _numbers(top: Mapping[str, float], numbers: Mapping[str, int]) -> dict[int, float]:
    shares: dict[int, float] = {}
    for token, logprob in top.items():
        number = numbers.get(token.strip())
        if number is not None:
            shares[number] = shares.get(number, 0.0) + math.exp(logprob)
    return shares


def _read_json(text: str, rating_scale: int) -> Verdict:
    try:
        said = json.loads(text)
    except json.JSONDecodeError:
        # Cut off by the limit, in the reason: the rating stands before it.
        rating, reason = _RATING.search(text), _CUT_REASON.search(text)
        return _verdict(
            float(rating[1]) if rating else None, reason[1] if reason else "", rating_scale
        )
    if not isinstance(said, Mapping):
        return Verdict(None, "")
    rating, reason = said.get("rating"), said.get("reason", "")
    said_why = reason if isinstance(reason, str) else ""
    if isinstance(rating, bool) or not isinstance(rating, int | float):
        return Verdict(None, said_why)
    return _verdict(float(rating), said_why, rating_scale)


def _verdict(rating: float | None, reason: str, rating_scale: int) -> Verdict:
    on_scale = rating is not None and MIN_RATING <= rating <= rating_scale
    return Verdict(rating if on_scale else None, reason)
