"""Tables and texts in Markdown."""

import re
from collections.abc import Collection, Iterable, Sequence

from social_sandbox.envs.text.texts import for_terminal, in_one_line

# An underscore inside a word, and a bracket that is not that of a link, are no markup.
_MARKUP = re.compile(r"[\\`*<|]|~~|&(?=[#\w]+;)|(?<!\w)_|_(?!\w)|\[(?=[^\]]*\][(\[:])|\](?=[(\[:])")


def plain(text: str) -> str:
    """Return a text of models, people or settings in one line that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\g<0>", in_one_line(for_terminal(text)))


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str] = ()
) -> str:
    """Return a table, a line each for header, alignment and rows; the last line has its end.

    Args:
        header: Names of the columns.
        rows: Cells; nothing in one ends the cell or is markup.
        right: Names of the columns that are aligned to the right, such as those of numbers.
    """
    ruler = ["---:" if name in right else "---" for name in header]
    return "".join(
        [_line(map(plain, header)), _line(ruler), *(_line(map(plain, cells)) for cells in rows)]
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
