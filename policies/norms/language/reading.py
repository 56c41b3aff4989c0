"""What an answer says in its own words, and the sentences of a text in any script.

All functions take time in proportion to the length of a text, whatever the text is.
"""

import re
from collections.abc import Iterator

from social_sandbox.envs.text.texts import words

QUESTION_MARKS = "?\uff1f\u061f\u055e\u1367\u203d\u2047\u2048\u2049\ufe56\ua60f\u2cfa\u2cfb\u1945"
"""Marks that end a question: Latin, full width, Arabic, Armenian, Ethiopic and others."""

_ENDS = f".!{QUESTION_MARKS}\u2026\u3002\uff01\uff0e\u0964\u0965\u06d4\u1362\u0589\u104b\u17d4"
_END = re.compile(
    rf"(?<=[{_ENDS}])[\"'\u2019\u201d\u00bb)\]*_\uff09\u300d]*(?:\s+|(?<=[^\x00-\x7f])(?=\w))|\n+"
)
_FENCE = re.compile(r"^[ \t]{0,3}(```+|~~~+)", re.MULTILINE)
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_ADDRESS = re.compile(r"(?:\bhttps?://|\bwww\.)[^\s<>\"]+", re.IGNORECASE)
_APOSTROPHE = re.compile(r"(?<=\w)[\u2019\u02bc\uff07\u00b4`](?=\w)")

# The closing marks of each opening mark, and the marks that may open as well as close.
_PAIRS = {
    "\u201c": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
    "\u2039": "\u203a",
    "\u203a": "\u2039",
    "\u300c": "\u300d",
    "\u300e": "\u300f",
    "\u2018": "\u2019",
    "\u201a": "\u2018\u2019",
    '"': '"',
    "'": "'",
}
_SINGLE = "'\u2018\u2019\u201a"
_MARKS = re.compile("[" + "".join(dict.fromkeys("".join(_PAIRS) + "".join(_PAIRS.values()))) + "]")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_BLANKS = re.compile(r"[^\S\n]+")
_LONGEST = 600
"""The number of characters after which a sentence without an end is parted."""


def own_words(answer: str) -> str:
    """Return an answer without code, quotations, quoted lines and web addresses.

    A quotation that is not closed in its paragraph is none. Apostrophes inside words become the
    ASCII apostrophe.
    """
    text = without_code(answer)
    text = _BLANKS.sub(" ", _QUOTED_LINE.sub(" ", text))
    text = _ADDRESS.sub(" ", text)
    text = _APOSTROPHE.sub("'", text)
    return "\n\n".join(_without_quotations(part) for part in _PARAGRAPH.split(text))


def without_code(text: str) -> str:
    """Return a text without blocks of code and without code in a line.

    A block that is not closed ends with the text, as in Markdown.
    """
    kept: list[str] = []
    place = 0
    fence = ""
    for match in _FENCE.finditer(text):
        if not fence:
            kept.append(text[place : match.start()])
            fence = match[1]
        elif match[1].startswith(fence):
            line_end = text.find("\n", match.end())
            place = len(text) if line_end < 0 else line_end
            fence = ""
    if not fence:
        kept.append(text[place:])
    return _INLINE_CODE.sub(" ", "\n".join(kept))


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, each with the mark that ends it, in single blanks.

    A sentence of over 600 characters is parted, so that no rule on a sentence takes long.
    """
    return [
        piece[start : start + _LONGEST]
        for piece in (" ".join(piece.split()) for piece in _END.split(text))
        for start in range(0, len(piece), _LONGEST)
    ]


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without what stands between them."""
    return words(_APOSTROPHE.sub("'", text).lower().replace("'", ""))


def _without_quotations(paragraph: str) -> str:
    """Return a paragraph in which each quotation is a blank."""
    kept: list[str] = []
    place = 0
    for start, end in _quotations(paragraph):
        kept.append(paragraph[place:start])
        place = end
    return " ".join([*kept, paragraph[place:]])


def _quotations(paragraph: str) -> Iterator[tuple[int, int]]:
    """Yield the outermost quotations of a paragraph in order, as (start, end)."""
    spans: list[tuple[int, int]] = []
    opened: dict[str, int] = {}
    for match in _MARKS.finditer(paragraph):
        mark, place = match[0], match.start()
        before, after = paragraph[place - 1 : place], paragraph[place + 1 : place + 2]
        if mark in _SINGLE and before.isalnum() and after.isalnum():
            continue  # An apostrophe.
        starts = [start for opening, start in opened.items() if mark in _PAIRS[opening]]
        if starts and not before.isspace():
            start = min(starts)
            if mark not in _SINGLE or "\n" not in paragraph[start:place]:
                while spans and spans[-1][0] > start:
                    spans.pop()
                spans.append((start, place + 1))
            opened = {opening: at for opening, at in opened.items() if at < start}
        elif mark in _PAIRS and mark not in opened and _opens(mark, before, after):
            opened[mark] = place
    yield from spans


def _opens(mark: str, before: str, after: str) -> bool:
    """Return whether a mark can open a quotation between its two neighbours."""
    if mark in "\"'":
        return not before.isalnum() and bool(after) and not after.isspace()
    return bool(after)
