"""Fill the generated parts of pages: the lists of commands, of settings and of norms."""

from collections.abc import Iterator
from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the places of generated text on a page."""
    for place, text in PLACES.items():
        if place in markdown:
            markdown = markdown.replace(place, "\n".join(text()))
    return markdown


def commands() -> Iterator[str]:
    """Yield a table of the commands."""
    from social_sandbox.alignment.cli import COMMANDS

    yield "| command | what it does |"
    yield "| --- | --- |"
    for name, description in COMMANDS.items():
        yield f"| `{name}` | {description} |"


def settings() -> Iterator[str]:
    """Yield every setting with its default and its help text."""
    from social_sandbox.alignment.cli.help import settings_markdown

    yield settings_markdown()


def norms() -> Iterator[str]:
    """Yield a table of the norms."""
    from social_sandbox.policies.norms import NORMS

    yield "| norm | kind | what it asks | languages | value in other languages |"
    yield "| --- | --- | --- | --- | --- |"
    for name, norm in NORMS.items():
        about = norm.about.rstrip(".")
        elsewhere = norm.elsewhere or "same"
        yield f"| `{name}` | {norm.kind} | {about} | {norm.languages} | {elsewhere} |"


PLACES = {"<!-- commands -->": commands, "<!-- settings -->": settings, "<!-- norms -->": norms}
