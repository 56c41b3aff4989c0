"""Texts from models, people and files: made valid, and made safe to show in a terminal."""

import re

import regex

_CONTROL = re.compile(
    # Whole commands to the terminal: OSC, DCS, SOS, PM and APC with all that they say, then CSI.
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
    # Other control characters but tab and line feed; the marks that reverse what is written.
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff]"
)
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


# A letter stands with the marks that belong to it. Some scripts put no blanks between words.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_LETTER = regex.compile(rf"[{_UNSPACED}]")
_WORD = regex.compile(rf"[{_UNSPACED}]\p{{M}}*|(?:(?![{_UNSPACED}])\w)+")
_PIECE = regex.compile(rf"(?:{_WORD.pattern})(?:['\u2019](?:{_WORD.pattern}))*|\s+|[^\w\s]|.")


def words(text: str) -> list[str]:
    """Return the words of a text, without what stands between them.

    In scripts without blanks between words, each letter counts as a word.
    """
    found: list[str] = _WORD.findall(text)
    return found


def words_and_gaps(text: str) -> list[str]:
    """Return the words, the blanks and the other characters of a text; "don't" is one word."""
    found: list[str] = _PIECE.findall(text)
    return found


def count_words(text: str) -> int:
    """Return how many words a text has: as many as its blanks part, where its script has blanks."""
    pieces = text.split()
    if text.isascii():
        return len(pieces)
    return sum(max(1, len(_LETTER.findall(piece))) for piece in pieces)


def valid(text: str) -> str:
    """Return a text that can be written to a file: a lone surrogate becomes U+FFFD.

    JSON escapes, arguments of a command and replies of servers can contain lone surrogates.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def for_terminal(text: str, line_end: str = "\n") -> str:
    """Return a text without what a terminal would obey, or would show in another order.

    Sequences that move the cursor, colour, write the clipboard or name a link are taken away.

    Args:
        text: The text.
        line_end: What stands for every kind of line end but the line feed.
    """
    return _CONTROL.sub("", _LINE_END.sub(line_end, valid(text)))


def writable(text: str, encoding: str) -> str:
    """Return a text with question marks in the place of characters that an encoding lacks."""
    return text.encode(encoding, "replace").decode(encoding)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text by every kind of line end that Unicode knows."""
    return _LINE_END.sub("\n", text).split("\n")


def in_one_line(text: str) -> str:
    """Return a text in one line, with single blanks."""
    return " ".join(text.split())
