"""Repair of texts that a limit has cut off."""

import regex

# The full stop of many scripts needs no blank behind it. A dot or its wide form also stands in
# numbers and names, and an ellipsis in the middle of a sentence.
_ENDS = regex.compile(
    r"(?: [.!?] [\"')\]\p{Pf}\p{Pe}]* (?=\s|$)"
    r" | [[\p{STerm}]--[.!?\uff0e\u2024]]++ ['\"\p{Pf}\p{Pe}]*"
    r" | [\uff0e\u2026]++ ['\"\p{Pf}\p{Pe}]* (?![\s\d\p{Pf}]*[\p{Ll}\p{N}])"
    # Thai and Lao put a blank between sentences, and no mark.
    r" | (?<=[\u0e00-\u0eff]) (?=\x20+[\u0e00-\u0eff]) )",
    regex.VERBOSE | regex.VERSION1,
)
_LIST_NUMBER = regex.compile(r"(?<!\S)\d+$")
_DIGITS = 20
"""Most digits of the number of a list's item, with the blank before it."""


def whole_sentences(text: str) -> str:
    """Return the text up to its last end of a sentence, or the whole text if no sentence ends.

    A sentence ends as Unicode says for its script (`Sentence_Terminal`), such as with `\u3002` in
    Chinese, `\u0964` in Hindi or `\u061f` in Arabic.
    """
    return text[: _last_end(text)]


def ends_sentence(text: str) -> bool:
    """Return whether a text ends where a sentence ends, so that nothing is missing behind it."""
    text = text.rstrip()
    return bool(text) and _last_end(text) == len(text)


def _last_end(text: str) -> int | None:
    """Return the place behind the last end of a sentence; None if no sentence ends."""
    for end in reversed(list(_ENDS.finditer(text))):
        # The full stop of "1." begins a list item and does not end a sentence.
        if not _LIST_NUMBER.search(text, max(end.start() - _DIGITS, 0), end.start()):
            return int(end.end())
    return None
