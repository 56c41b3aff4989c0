"""The form of all tables on the console: whole at 80 columns, and readable without colours."""

from collections.abc import Collection, Mapping
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from social_sandbox.envs.text.texts import for_terminal, in_one_line


def table(
    *headings: str,
    title: str = "",
    numbers: Collection[str] = (),
    whole: Collection[str] = (),
) -> Table:
    """Return an empty table.

    A long text is folded into several lines and never cut off; of an
    `extract`, one line is enough.

    Args:
        headings: Names of the columns.
        title: What the table shows.
        numbers: Names of the columns of numbers, which are aligned to the right and kept whole.
        whole: Names of further columns whose cells stand in one line, such as ids to copy.
    """
    made = Table(
        box=SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for name in headings:
        made.add_column(
            name,
            justify="right" if name in numbers else "left",
            no_wrap=name in numbers or name in whole,
            overflow="fold",
        )
    return made


def facts(title: str = "") -> Table:
    """Return an empty table of names and what there is to say of each, without a header."""
    made = table("", "", title=title, whole=("",))
    made.columns[1].no_wrap = False
    made.show_header = False
    made.box = None
    return made


def extract(text: str) -> Text:
    """Return as much of a text as fits into one line of its column; an ellipsis ends it."""
    return Text(in_one_line(for_terminal(text[:1_000])), no_wrap=True, overflow="ellipsis")


def value(number: float | None) -> str:
    """Return a rating as it is shown; a missing one is a dash."""
    return "-" if number is None else f"{number:.2f}"


def signed(number: float | None) -> str:
    """Return a difference with its sign; a missing one is a dash."""
    return "-" if number is None else f"{number:+.2f}"


def interval(estimate: Mapping[str, float] | None, *, is_difference: bool = False) -> str:
    """Return a mean with the ends of its interval; a missing one is a dash.

    Args:
        estimate: `mean`, `low` and `high`; None where there is none.
        is_difference: Whether the numbers have signs.
    """
    if estimate is None:
        return "-"
    shown = [
        signed(estimate[name]) if is_difference else value(estimate[name])
        for name in ("mean", "low", "high")
    ]
    return "{} [{}, {}]".format(*shown)


def print_path(console: Console, what: str, path: Path | str) -> None:
    """Print a path whole, in one line that can be copied, however narrow the terminal is."""
    console.print(Text.assemble((what, "bold"), f": {path}"), soft_wrap=True)
