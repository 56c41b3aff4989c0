"""Repair of texts that a limit has cut off."""

import re


def whole_sentences(text: str) -> str:
    """Return the text up to its last end of a sentence, or the whole text if no sentence ends."""
    ends = list(re.finditer(r"[.!?][\"')\]]*(?=\s|$)", text))
    # The full stop of "1." begins a list item and does not end a sentence.
    ends = [end for end in ends if not re.search(r"(?:^|\s)\d+$", text[: end.start()])]
    return text[: ends[-1].end()] if ends else text
