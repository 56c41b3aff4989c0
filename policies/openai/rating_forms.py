"""The forms in which a server can be asked for a rating."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from social_sandbox.envs.rules.turns import MIN_RATING

from ..prompts.prompts import FORM
from ..prompts.ratings import Verdict, parse_verdict, rating_place
from .http.client import Reply
from .http.replies import TokenLogprobs

Form = Literal["json_schema", "logprobs", "text"]
FORMS: tuple[Form, ...] = ("json_schema", "logprobs", "text")
"""All forms, strongest first."""

_JSON = 'Reply in JSON: {"rating": <1-{highest}>, "reason": "<one sentence>"}'
_JSON_BARE = 'Reply in JSON: {"rating": <1-{highest}>}'
_BARE = "Reply with one number from 1 to {highest} and nothing else."
_RATING = re.compile(r'"rating"\s*:\s*"?([0-9]{1,2})\b')
_CUT_REASON = re.compile(r'"reason"\s*:\s*"((?:[^"\\]|\\.)*)')


def form_sentence(form: Form, *, reason: bool) -> str:
    """Return the sentence of the prompt that asks for a form, see `prompts.prompt_for`."""
    if form == "json_schema":
        return _JSON if reason else _JSON_BARE
    return FORM if reason else _BARE


def form_fields(form: Form, *, reason: bool, rating_scale: int) -> dict[str, Any]:
    """Return the fields of the request that ask for a form."""
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
    json_schema = {"name": "verdict", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": json_schema}}


def read_verdict(form: Form, reply: Reply, rating_scale: int) -> Verdict:
    """Return the verdict in a reply; the rating is missing if there is none on the scale.

    A rating from probabilities is their expected value, as with a local model.
    """
    if form == "json_schema":
        return _read_json(reply.text, rating_scale)
    verdict = parse_verdict(reply.text, rating_scale)
    shares = rating_shares(_from_rating(reply.logprobs, rating_scale), rating_scale)
    total = sum(shares.values())
    if form == "logprobs" and total > 0:
        expected = sum(rating * share for rating, share in shares.items()) / total
        return Verdict(round(expected, 4), verdict.reason)
    return verdict


def _from_rating(logprobs: Sequence[TokenLogprobs], rating_scale: int) -> Sequence[TokenLogprobs]:
    """Return the tokens from the rating on: a number before may be quoted, or count something."""
    place = rating_place("".join(at.token for at in logprobs), rating_scale)
    if place is None:
        return ()
    end = 0
    for number, at in enumerate(logprobs):
        end += len(at.token)
        if place < end:
            return logprobs[number:]
    return ()


def rating_shares(logprobs: Sequence[TokenLogprobs], rating_scale: int) -> dict[int, float]:
    """Return the probability of each rating in the place of the first rating of a reply.

    The probabilities need not sum to 1, since a server sends only the likeliest tokens. If the
    tokenizer writes 10 as a 1 and a 0, the probability of the 0 is known only if the reply has a
    1; otherwise the probability of the 1 is left out, since it may belong to 1 or to 10.
    """
    numbers = {str(rating): rating for rating in range(MIN_RATING, rating_scale + 1)}
    for place, position in enumerate(logprobs):
        if position.token.strip() not in numbers:
            continue
        shares = _numbers(position.top, numbers)
        if rating_scale < 10 or 10 in shares or 1 not in shares:
            return shares
        one, is_one = shares.pop(1), position.token.strip() == "1"
        if is_one and place + 1 < len(logprobs):
            following = logprobs[place + 1].top
            zero = min(1.0, sum(_numbers(following, {"0": 0}).values()))
            shares |= {1: one * (1 - zero), 10: one * zero}
        elif is_one:
            shares[1] = one
        return shares
    return {}


def _numbers(top: Mapping[str, float], numbers: Mapping[str, int]) -> dict[int, float]:
    """Return the probability of each number, summed over the tokens that spell the number."""
    shares: dict[int, float] = {}
    for token, logprob in top.items():
        number = numbers.get(token.strip())
        if number is not None:
            shares[number] = shares.get(number, 0.0) + math.exp(logprob)
    return shares


def _read_json(text: str, rating_scale: int) -> Verdict:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        # The limit has cut off the text in the reason, which stands behind the rating.
        numbers, sentence = set(_RATING.findall(text)), _CUT_REASON.search(text)
        # Several ratings: some of them are quoted.
        number = float(numbers.pop()) if len(numbers) == 1 else None
        return _verdict(number, sentence[1] if sentence else "", rating_scale)
    if not isinstance(value, Mapping):
        return Verdict(None, "")
    rating, reason = value.get("rating"), value.get("reason", "")
    if not isinstance(reason, str):
        reason = ""
    if isinstance(rating, str) and re.fullmatch(r"\s*[0-9]{1,2}(?:\.[0-9]+)?\s*", rating):
        rating = float(rating)
    if isinstance(rating, bool) or not isinstance(rating, int | float):
        return Verdict(None, reason)
    return _verdict(float(rating), reason, rating_scale)


def _verdict(rating: float | None, reason: str, rating_scale: int) -> Verdict:
    on_scale = rating is not None and MIN_RATING <= rating <= rating_scale
    return Verdict(rating if on_scale else None, reason)
