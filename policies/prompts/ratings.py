"""The parser of ratings and reasons in texts that models write.

Prompts ask for the form `Rating: 5 ### Reason: ...`. Small models vary this form in many ways and
often miss it altogether. A rating that cannot be read with certainty is missing; it is never
guessed.
"""

import re
from dataclasses import dataclass

from social_sandbox.envs.thoughts import without_thoughts
from social_sandbox.envs.turns import MIN_RATING, RATING_SCALE

_WORDS = dict(one=1, two=2, three=3, four=4, five=5, six=6, seven=7, eight=8, nine=9, ten=10)
_NUMBER = rf"(?<![-\u2013])(?P<number>[0-9]{{1,3}}(?:\.[0-9]{{1,3}})?|{'|'.join(_WORDS)})\b"
# "5/7" and "5 out of 7" are ratings on 1..7, "4/5" is on another scale, "1-7" quotes the prompt.
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
    """A rating, None if it is missing, and the reason of the rating."""

    rating: float | None
    reason: str


def format_verdict(rating: float | None, reason: str) -> str:
    """Return a verdict in the form that prompts ask for; a missing rating is written as `none`."""
    number = "none" if rating is None else f"{rating:.0f}"
    return f"Rating: {number} ### Reason: {reason}".strip()


def parse_verdict(text: str, rating_scale: int = RATING_SCALE) -> Verdict:
    """Return the verdict in a text.

    The rating is missing if the text has no rating on 1..`rating_scale`, or several different
    ones.
    """
    # Marks of emphasis and underscores to fill in stand between a label and its number.
    text = without_thoughts(text).translate(_EMPHASIS)
    for pattern in (_LABELLED, _LEADING, _OUT_OF):
        matches = list(pattern.finditer(text))
        values = {_value(match, rating_scale) for match in matches}
        if len(values) == 1:
            return Verdict(values.pop(), _reason(text, matches[0].end()))
        if values:
            break
    return Verdict(None, _reason(text, 0))


def _value(match: re.Match[str], rating_scale: int) -> float | None:
    """Return the number of a match, or None if the number is not on the scale."""
    number = match["number"].lower()
    value = float(_WORDS.get(number, 0) or number)
    on_scale = match["scale"] is None or int(match["scale"]) == rating_scale
    return value if on_scale and MIN_RATING <= value <= rating_scale else None


def _reason(text: str, after_rating: int) -> str:
    """Return the text behind the label `Reason:`, or without a label behind the rating."""
    labelled = _REASON.search(text)
    return text[labelled.end() if labelled else after_rating :].lstrip(" \t\n#:;,.-/)").rstrip()
