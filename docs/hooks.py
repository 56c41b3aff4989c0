"""Fill the generated parts of pages: the list of commands and the list of settings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).parents[1] / "configs"


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
    """Yield the files of settings, whose comments say what each setting means."""
    for file in (CONFIGS / "config.yaml", *sorted(CONFIGS.glob("*/*.yaml"))):
        if file.parent.name in ("accelerate", "benchmarks", "sweeps"):
            continue
        name = "All commands" if file.parent == CONFIGS else f"`{file.parent.name}={file.stem}`"
        yield f"## {name}\n\n```yaml\n{file.read_text(encoding='utf-8').rstrip()}\n```\n"


PLACES = {"<!-- commands -->": commands, "<!-- settings -->": settings}
