"""Texts that were cut off by a limit."""

import re


def whole_sentences(text: str) -> str:
    """The text up to its last sentence end; the whole text where no sentence ends."""
    ends = list(re.finditer(r"[.!?][\"')\]]*(?=\s|$)", text))
    # "1." and the like begin a list item, they do not end a sentence.
    ends = [end for end in ends if not re.search(r"(?:^|\s)\d+$", text[: end.start()])]
    return text[: ends[-1].end()] if ends else text
