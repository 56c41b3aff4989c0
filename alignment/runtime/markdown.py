"""Tables in Markdown."""

from collections.abc import Collection, Iterable, Sequence


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str] = ()
) -> str:
    """Return a table, a line each for header, alignment and rows; the last line has its end.

    Args:
        header: Names of the columns.
        rows: Cells; a `|` or an end of line in one does not end the cell.
        right: Names of the columns that are aligned to the right, such as those of numbers.
    """
    ruler = ["---:" if name in right else "---" for name in header]
    return "".join(_line(cells) for cells in (header, ruler, *rows))


def _line(cells: Sequence[str]) -> str:
    texts = (" ".join(cell.splitlines()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(texts)} |\n"
