"""A revision whose changed words are marked, for a terminal."""

from rich.text import Text

from social_sandbox.envs.text.changed_words import changed_words
from social_sandbox.envs.text.texts import for_terminal

MARKS = {"removed": ("[-", "-]", "strike red"), "added": ("{+", "+}", "bold green")}
"""Brackets and style of words that the revision left out and of words that it has added.

The brackets are those of `git diff --word-diff`: they are read without colours as well.
"""


def marked(draft: str, revision: str) -> Text:
    """Return the revision, with the words in which it differs from the draft in brackets."""
    text = Text()
    for change in changed_words(for_terminal(draft), for_terminal(revision)):
        if change.kind == "same":
            text.append(change.text)
            continue
        opening, closing, style = MARKS[change.kind]
        # Blanks at the ends stand outside the brackets.
        words = change.text.strip()
        before, _, after = change.text.partition(words) if words else (change.text, "", "")
        text.append(before)
        if words:
            text.append(f"{opening}{words}{closing}", style=style)
        text.append(after)
    return text
