"""An interaction as HTML, which a notebook shows below a cell."""

from collections.abc import Iterator
from html import escape
from typing import Any

from .rules.turns import ASPECTS
from .text.changed_words import changed_words
from .text.texts import for_terminal

_LONGEST = 4_000
"""Most characters of one text."""

_TEXT = "white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; text-align: left"


def interaction_html(interaction: Any) -> str:
    """Return an interaction as a table, without scripts, links or images.

    Texts of models and people are escaped, long ones are shortened, and characters that would
    change the order of what is written are left out. Words that the revision left out are struck
    through, and those that it has added are underlined.

    Args:
        interaction: An `Interaction`, whose module imports this one.
    """
    rows = "".join(
        f'<tr><th scope="row" style="text-align: left; vertical-align: top">{name}</th>'
        f'<td style="{_TEXT}">{content}</td></tr>'
        for name, content in _rows(interaction)
    )
    return f"<table><caption>{_text(interaction.id)}</caption><tbody>{rows}</tbody></table>"


def _rows(interaction: Any) -> Iterator[tuple[str, str]]:
    yield "question", _text(interaction.question)
    if interaction.memory:
        memory = interaction.memory
        yield "memory", f"{_text(memory.question)}<br>{_text(memory.answer)}"
    yield "draft", _spoken(interaction.draft.text, interaction.draft.error)
    for one in interaction.feedback:
        rating = "no rating" if one.rating is None else f"rating {one.rating:.2f}"
        yield f"feedback of {_text(one.peer)}", f"{rating}: {_spoken(one.reason, one.error)}"
    yield "revision", _revision(interaction)
    for aspect in ASPECTS:
        ratings = [interaction.rating(aspect, "draft"), interaction.rating(aspect, "revision")]
        shown = ["no rating" if rating is None else f"{rating:.2f}" for rating in ratings]
        yield f"{aspect}, draft and revision", f"{shown[0]}, {shown[1]}"


def _revision(interaction: Any) -> str:
    draft, revision = interaction.draft.text, interaction.revision.text
    if interaction.revision.error or len(draft) > _LONGEST or len(revision) > _LONGEST:
        return _spoken(revision, interaction.revision.error)
    tags = {"removed": "del", "added": "ins"}
    return "".join(
        _text(change.text)
        if change.kind == "same"
        else f"<{tags[change.kind]}>{_text(change.text)}</{tags[change.kind]}>"
        for change in changed_words(draft, revision)
    )


def _spoken(text: str, error: str) -> str:
    return _text(text) + (f"<br>error: {_text(error)}" if error else "")


def _text(text: str) -> str:
    shown = for_terminal(text[:_LONGEST])
    more = f" [... {len(text) - _LONGEST:,} more characters]" if len(text) > _LONGEST else ""
    return escape(shown + more)
