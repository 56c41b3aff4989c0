"""Reading a rating and its reason out of text that a model wrote.

The asked-for form is `Rating: 5 ### Reason: ...`. Small models write it in many ways, and often
not at all: what cannot be read with certainty is missing, and never guessed.
"""

import re
from dataclasses import dataclass

from social_sandbox.envs.turns import MIN_RATING, RATING_SCALE

_WORDS = dict(one=1, two=2, three=3, four=4, five=5, six=6, seven=7, eight=8, nine=9, ten=10)
_NUMBER = rf"(?<![-\u2013])(?P<number>[0-9]{{1,3}}(?:\.[0-9]{{1,3}})?|{'|'.join(_WORDS)})\b"
# "5/7" and "5 out of 7" are on our scale; "4/5" is on another one; "1-7" repeats the question.
_SCALE = r"(?:\s*(?:/|out of)\s*(?P<scale>[0-9]{1,3}\b))?(?!\s*(?:-|\u2013|to)\s*\d|\.\d)"
_LABELLED = re.compile(
    r"\b(?:rating|rate|score|answer)\b[^\w\n]*(?:\b(?:is|of|it|as|a|be|would|at)\b[^\w\n]*)*"
    rf"{_NUMBER}{_SCALE}",
    re.IGNORECASE,
)
_OUT_OF = re.compile(rf"{_NUMBER}\s*(?:/|out of)\s*(?P<scale>[0-9]{{1,3}}\b)", re.IGNORECASE)
_LEADING = re.compile(rf"^\W*{_NUMBER}{_SCALE}\s*(?:$|[.,:;#)\n*-])", re.IGNORECASE)
_REASON = re.compile(r"\breason(?:ing)?\s*[:=-]+\s*", re.IGNORECASE)


_EMPHASIS = str.maketrans("_*`", "   ")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rating on the asked-for scale, or None, and the reason given with it."""

    rating: float | None
    reason: str


def format_verdict(rating: float | None, reason: str) -> str:
    """A verdict in the asked-for form; a missing rating is written as `none`."""
    shown = "none" if rating is None else f"{rating:.0f}"
    return f"Rating: {shown} ### Reason: {reason}".strip()


def parse_verdict(text: str, rating_scale: int = RATING_SCALE) -> Verdict:
    """Read a verdict on 1..`rating_scale`.

    The rating is missing where there is none, or more than one.
    """
    # Emphasis and the blanks of the form stand between a label and its number.
    text = text.translate(_EMPHASIS)
    for pattern in (_LABELLED, _LEADING, _OUT_OF):
        matches = list(pattern.finditer(text))
        values = {_value(match, rating_scale) for match in matches}
        if len(values) == 1:
            return Verdict(values.pop(), _reason(text, matches[0].end()))
        if values:
            break
    return Verdict(None, _reason(text, 0))


def _value(match: re.Match[str], rating_scale: int) -> float | None:
    number = match["number"].lower()
    value = float(_WORDS.get(number, 0) or number)
    on_scale = match["scale"] is None or int(match["scale"]) == rating_scale
    return value if on_scale and MIN_RATING <= value <= rating_scale else None


def _reason(text: str, after_rating: int) -> str:
    labelled = _REASON.search(text)
    return text[labelled.end() if labelled else after_rating :].lstrip(" \t\n#:;,.-/)").rstrip()
