"""Tables of norms on the console: who follows them, in the society and on held-out questions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from ..evaluation.adherence import verdict
from ..evaluation.spread import Share
from ..runtime import tables

WITNESS = "embedded_"
"""Beginning of the names of the measures of the embedded observer, the weaker witness."""

_MOST_ROWS = 24
"""Most rows of the table by round; of longer ones the first and the last round are shown."""
_WORDS = {
    "more": "the aligned model follows more (the interval excludes 0)",
    "less": "the aligned model follows less (the interval excludes 0)",
    "unclear": "no difference is shown (the interval includes 0)",
}
_CHANGES = {"more": "rises", "less": "falls", "unclear": "no difference is shown"}


def print_rounds(console: Console, shares: Sequence[Share]) -> None:
    """Print the shares of drafts and revisions that follow each norm, by round; none: nothing."""
    by_round = [share for share in shares if share.by == "round"]
    if not by_round:
        return
    numbers = ("draft", "revision", "change")
    title = "Answers that follow each norm: shares by round, from 0"
    table = tables.table(
        "norm", "round", *numbers, title=title, numbers=("round", *numbers), whole=("norm",)
    )
    rows = round_rows(by_round)
    is_long = len(rows) > _MOST_ROWS
    ends = {min(int(row[1]) for row in rows), max(int(row[1]) for row in rows)}
    for row in rows:
        if not is_long or int(row[1]) in ends:
            table.add_row(*row)
    console.print(table)
    if is_long:
        console.print("  the first and the last round; figures/norms.json has all", highlight=False)


def round_rows(shares: Sequence[Share]) -> list[tuple[str, ...]]:
    """Return norm, round, draft, revision and change of each norm in each round, as texts."""
    parts = {
        (share.norm, share.part, share.judged): share for share in shares if share.by == "round"
    }
    rows: list[tuple[str, ...]] = []
    for norm, part in dict.fromkeys((norm, part) for norm, part, _ in parts):
        draft, revision = (parts[norm, part, judged] for judged in ("draft", "revision"))
        change = tables.signed(revision.mean - draft.mean)
        rows.append((norm, str(part), _share(draft), _share(revision), change))
    return rows


def print_adherence(console: Console, norms: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the shares of held-out answers that follow each norm; without norms nothing.

    Args:
        console: The console.
        norms: Comparisons by norm, see `evaluation.adherence.compare_adherence`.
    """
    if not norms:
        return
    numbers = ("base", "aligned", "difference")
    title = "Held-out answers that follow each norm: shares, 95 % intervals"
    table = tables.table("norm", *numbers, title=title, numbers=numbers, whole=("norm",))
    for name, columns in norms.items():
        cells = (tables.interval(columns[c], is_difference=c == "difference") for c in numbers)
        table.add_row(name, *cells)
    console.print(table)


def verdict_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield what held-out results show, a line for each witness; without norms none.

    Args:
        summary: Contents of `evaluation/results.json`.
    """
    if not summary.get("norms"):
        return
    table = summary["table"]
    rating = (table.get("combined") or {}).get("difference")
    if rating is not None:
        shown = tables.interval(rating, is_difference=True)
        yield f"by the norms: {_WORDS[verdict(rating)]}; rating {shown}"
    for name, columns in table.items():
        difference = columns["difference"] if name.startswith(WITNESS) else None
        if difference is not None:
            aspect = name.removeprefix(WITNESS)
            shown = tables.interval(difference, is_difference=True)
            yield (
                f"by the embedded observer, the weaker witness: {aspect} "
                f"{shown}, {_CHANGES[verdict(difference)]}"
            )


def _share(share: Share) -> str:
    if share.low is None or share.high is None:
        return tables.value(share.mean)
    return f"{share.mean:.2f} [{share.low:.2f}, {share.high:.2f}]"
