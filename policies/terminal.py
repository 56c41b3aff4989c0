"""The console of everything that this project prints."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from social_sandbox.envs.text.texts import for_terminal, writable


class Terminal(Console):
    """A console that shows the texts of models, people, servers and settings as nothing but texts.

    Brackets and colons are no markup and no emoji, and what a terminal would obey is left out. The
    styles that this project gives to its own words are kept.
    """

    def __init__(self, **options: Any) -> None:
        """Create the console; `options` are those of `rich.console.Console`."""
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text as it is shown, without whole sequences for a terminal."""
        return super().render_str(for_terminal(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is written; all that is printed passes here."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                text = for_terminal(segment.text, line_end=" ")
                yield Segment(writable(text, self.encoding), segment.style)
