"""The parser of ratings and reasons in texts that models write.

Prompts ask for the form `Rating: 5 ### Reason: ...`. Small models vary this form in many ways and
often miss it altogether. A rating that cannot be read with certainty is missing; it is never
guessed. A rating that the reply merely quotes, as raters do with what a draft says of itself, is
none.
"""

import re
import unicodedata
from dataclasses import dataclass

from social_sandbox.envs.rules.turns import MIN_RATING, RATING_SCALE
from social_sandbox.envs.text.thoughts import without_thoughts

_WORDS = dict(one=1, two=2, three=3, four=4, five=5, six=6, seven=7, eight=8, nine=9, ten=10)
_SPELLED = "|".join(_WORDS)
# A comma before one or two digits is a decimal comma; "5,000" is no rating.
NUMBER = (
    r"(?<![-\u2013])(?P<number>[0-9]{1,3}(?:\.[0-9]{1,3}|,[0-9]{1,2}(?![0-9]))?"
    rf"|{_SPELLED}\b)(?![0-9A-Za-z_])"
)
_OF = r"(?:/|out\s+of|of|von|sur|sobre|\u0438\u0437)"
# "5/7" and "5 out of 7" are ratings on 1..7, "4/5" is on another scale, "1-7" quotes the prompt.
SCALE = (
    rf"(?:\s*{_OF}\s*(?P<scale>[0-9][0-9.,]*+))?+"
    r"(?!\s*(?:[-\u2013\u2014~\u301c\u81f3\u5230\u6216]|(?:to|or|bis|oder|ou)\b)"
    rf"\s*(?:[0-9]|(?:{_SPELLED})\b)|[.,][0-9])"
)
_LABEL = (
    r"(?:\b(?:rating|rate|score|answer|bewertung|nota|puntuaci\u00f3n|calificaci\u00f3n|valutazione"
    r"|\u043e\u0446\u0435\u043d\u043a\u0430|\u0440\u0435\u0439\u0442\u0438\u043d\u0433)\b"
    r"|\u8bc4\u5206|\u8a55\u5206|\u8bc4\u7ea7|\u5f97\u5206|\u5206\u6570|\u5206\u6578"
    r"|\u8a55\u4fa1|\u70b9\u6570|\u30b9\u30b3\u30a2|\ud3c9\uc810|\uc810\uc218|\ud3c9\uac00"
    r"|\u0627\u0644\u062a\u0642\u064a\u064a\u0645|\u062a\u0642\u064a\u064a\u0645"
    r"|\u0930\u0947\u091f\u093f\u0902\u0917|\u0905\u0902\u0915|\u0e04\u0e30\u0e41\u0e19\u0e19)"
)
_FILLER = r"(?:\b(?:is|of|it|as|a|be|would|at)\b|\u4e3a|\u70ba|\u662f|\u306f|\ub294|\uc740)"
_LABELLED = re.compile(
    rf"{_LABEL}[^\w\n]*(?:{_FILLER}[^\w\n]*)*{NUMBER}{SCALE}",
    re.IGNORECASE,
)
_OUT_OF = re.compile(
    rf"{NUMBER}\s*(?:/|out\s+of)\s*(?P<scale>[0-9][0-9.,]*+)(?!\s*[-\u2013]\s*[0-9])",
    re.IGNORECASE,
)
_LEADING = re.compile(
    rf"^\W*{NUMBER}{SCALE}\s*(?:$|[.,:;#)\n*-]|[\u5206\u70b9\u9ede\uc810])", re.IGNORECASE
)
_REASON = re.compile(r"(?:\breason(?:ing)?|\u7406\u7531|\uc774\uc720)\s*[:=-]+\s*", re.IGNORECASE)
_QUOTED = re.compile(
    r"\"[^\"]*\"|\u201c[^\u201d]*\u201d|\u201e[^\u201c\u201d]*[\u201c\u201d]|\u00ab[^\u00bb]*\u00bb"
    r"|\u300c[^\u300d]*\u300d|(?<!\w)'[^'\n]*'(?!\w)|(?<!\w)\u2018[^\u2019\n]*\u2019(?!\w)"
    r"|`[^`]*`|^[ \t]*>.*$",
    re.MULTILINE,
)
_REPORTED = re.compile(
    r"\b(?:answer|draft|text|reply|response|author|it|he|she|they)\s+(?:itself\s+|also\s+)?"
    r"(?:says?|said|claims?|contains?|states?|writes?|includes?|demands?|asks?\s+for)\b"
    r"[^.!?\n]{0,40}$",
    re.IGNORECASE,
)
"""The words before a rating of which the reply says that a draft has it."""

_BEFORE_REASON = " \t\n#:;,.-/)\uff0c\u3002\uff1a\uff1b\uff09\u5206\u70b9\u9ede\uc810"
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
    text = without_thoughts(text)
    match = _rating_match(text, rating_scale)
    # Marks of emphasis and underscores to fill in stand between a label and its number.
    shown = text.translate(_EMPHASIS)
    if match is None:
        return Verdict(None, _reason(shown, 0))
    return Verdict(_value(match, rating_scale), _reason(shown, match.end()))


def read_number(text: str) -> float | None:
    """Return the number that a text is, in the digits of any script; None for any other text."""
    match = re.fullmatch(r"\s*([0-9]{1,3}(?:[.,][0-9]+)?)\s*", _with_ascii_digits(text))
    return float(match[1].replace(",", ".")) if match else None


def rating_place(text: str, rating_scale: int = RATING_SCALE) -> int | None:
    """Return where the number of the rating that `parse_verdict` reads begins; None without one."""
    match = _rating_match(text, rating_scale)
    return None if match is None else match.start("number")


def _rating_match(text: str, rating_scale: int) -> re.Match[str] | None:
    """Return the first match of the only rating in a text, in which each letter keeps its place."""
    quoted = _quotations(text)
    text = _with_ascii_digits(text).translate(_EMPHASIS)
    for pattern in (_LABELLED, _LEADING, _OUT_OF):
        matches = [
            match
            for match in pattern.finditer(text)
            if not any(start <= match.start() and match.end() <= end for start, end in quoted)
            and not _REPORTED.search(text, max(match.start() - 80, 0), match.start())
        ]
        if matches and _is_list(text, matches[0]):
            return None
        values = {_value(match, rating_scale) for match in matches}
        if len(values) == 1 and None not in values:
            return matches[0]
        if values:
            break
    return None


def _quotations(text: str) -> list[tuple[int, int]]:
    """Return where a text quotes; a text that is one quotation as a whole quotes nothing."""
    whole = text.strip(" \t\r\n.,;!")
    return [match.span() for match in _QUOTED.finditer(text) if len(match[0]) < len(whole)]


def _with_ascii_digits(text: str) -> str:
    """Return a text with the digits of all scripts, and marks of full width, in ASCII."""
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(letter))
        if letter.isdecimal()
        else unicodedata.normalize("NFKC", letter)
        if "\uff01" <= letter <= "\uff5e"
        else letter
        for letter in text
    )


def _is_list(text: str, match: re.Match[str]) -> bool:
    """Return whether a number is that of an item in a list, behind which the next item stands."""
    number, behind = match["number"], text[match.end("number") :]
    if not number.isdigit() or behind[:1] not in (".", ")"):
        return False
    return bool(re.search(rf"(?:^|\s){int(number) + 1}[.)]\s", behind))


def _value(match: re.Match[str], rating_scale: int) -> float | None:
    """Return the number of a match, or None if the number is not on the scale."""
    number = match["number"].lower().replace(",", ".")
    value = float(_WORDS.get(number, 0) or number)
    scale = (match["scale"] or str(rating_scale)).rstrip(".,")
    on_scale = scale in (str(rating_scale), f"{rating_scale}.0")
    return value if on_scale and MIN_RATING <= value <= rating_scale else None


def _reason(text: str, after_rating: int) -> str:
    """Return the text behind the label `Reason:`, or without a label behind the rating."""
    labelled = _REASON.search(text)
    return text[labelled.end() if labelled else after_rating :].lstrip(_BEFORE_REASON).rstrip()
