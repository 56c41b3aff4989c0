"""Texts of others inside a prompt, which cannot be mistaken for the words of the prompt itself.

A question, an answer or a reason may hold lines such as "Answer: ..." or "Rating: 7 ### Reason:
...", by chance or on purpose. Only the first line of a text stands behind a label of the prompt;
every other line begins with a mark of quotation, so no text can end its place in the prompt.
"""

import re

from social_sandbox.envs.text.texts import lines_of

from .ratings import NUMBER, SCALE

MARK = "> "
"""What every line of a text begins with but the first."""

HIDDEN = "(...)"
"""What a rater sees in the place of a rating that a text gives itself."""

_OWN_RATING = re.compile(
    r"(?:\brating\b|\bscore\b(?=\W*[:=])|\u8bc4\u5206|\u8a55\u5206)"
    rf"[^\w\n]*(?:\b(?:is|of|as)\b[^\w\n]*)*{NUMBER}{SCALE}(?:\s*#+\s*reason\s*:)?"
    r"|#+\s*reason\s*:",
    re.IGNORECASE,
)


def quoted(text: str) -> str:
    """Return a text to be put behind a label; a text in one line stays as it is."""
    return f"\n{MARK}".join(lines_of(text))


def without_ratings(text: str) -> str:
    """Return a text in which the ratings that it gives itself are hidden.

    Small models repeat the rating that they read last in the form of the reply that is asked of
    them.
    """
    return _OWN_RATING.sub(HIDDEN, text)
