"""Tables of what people judged, on the terminal and in Markdown."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from ...evaluation.intervals import Estimate
from ...evaluation.people.results import Results
from ...runtime.markdown import markdown_table, plain

_NAMES = ("preferred", "to", "model", "what", "judge", "rater")
"""Columns whose cells may be folded; all others are numbers and stand on the right."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def numbers(self) -> Collection[str]:
        """Names of the columns that are aligned to the right."""
        return [name for name in self.columns if name not in _NAMES]


def sections(results: Results) -> list[Section]:
    """Return the tables that have rows."""
    return [section for section in _sections(results) if section.rows]


def headline(results: Results) -> str:
    """Return one line about the size of the study."""
    raters = len(results.raters) - len(results.left_out)
    return (
        f"{_count(results.judgements, 'judgement')} of {_count(raters, 'rater')} on "
        f"{_count(results.questions, 'question')}; checks and repeats apart"
    )


def print_results(console: Console, results: Results) -> None:
    """Print all tables and notes; they fit into 80 columns."""
    console.print(Text.assemble(("people", "bold"), f": {headline(results)}"), soft_wrap=True)
    for section in sections(results):
        columns = [
            Column(name, overflow="fold", ratio=None)
            if name in _NAMES
            else Column(name, justify="right", no_wrap=True)
            for name in section.columns
        ]
        table = Table(*columns, box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for row in section.rows:
            table.add_row(*map(Text, row))
        console.print()
        console.print(Text(section.title, "bold"))
        console.print(table)
    if results.notes:
        console.print()
    for note in results.notes:
        console.print(Text(note))


def markdown(results: Results) -> str:
    """Return all tables and notes in Markdown."""
    parts = [f"# What people judged\n\n{plain(headline(results))}.\n"]
    parts += [
        f"## {section.title}\n\n"
        + markdown_table(section.columns, section.rows, right=section.numbers)
        for section in sections(results)
    ]
    if results.notes:
        parts.append("".join(f"- {plain(note)}\n" for note in results.notes))
    return "\n".join(parts)


def _sections(results: Results) -> Iterator[Section]:
    yield Section(
        "Win rates",
        ("preferred", "to", "share", "95 % interval", "wins", "ties", "losses", "questions"),
        [
            (
                rate.model,
                rate.other,
                f"{rate.share:.3f}",
                _interval(rate.estimate, 3),
                *map(str, (rate.wins, rate.ties, rate.losses, rate.questions)),
            )
            for rate in results.win_rates
        ],
    )
    groups = {score.group for score in results.scores}
    yield Section(
        "Bradley-Terry scores (+1.1: wins 3 of 4)",
        ("model", *(["group"] if len(groups) > 1 else []), "score", "95 % interval"),
        [
            (
                score.model,
                *([str(score.group + 1)] if len(groups) > 1 else []),
                f"{score.score:+.2f}",
                "none" if score.low is None else f"{score.low:+.2f} to {score.high:+.2f}",
            )
            for score in results.scores
        ],
    )
    yield Section(
        f"Ratings, 1 to {results.scale}",
        ("model", "what", "mean", "95 % interval", "ratings"),
        [
            (each.model, each.aspect, f"{each.mean:.2f}", _interval(each.estimate, 2), str(each.n))
            for each in results.ratings
        ],
    )
    yield Section("Agreement", ("what", "value", "95 % interval", "n"), list(_agreement(results)))
    yield Section(
        "Raters",
        ("rater", "judgements", "checks passed", "repeats alike", "seconds"),
        [
            (
                rater.name,
                str(rater.judgements),
                _of(rater.passed, rater.checks),
                _of(rater.same, rater.repeats),
                "unknown" if rater.seconds is None else f"{rater.seconds:.0f}",
            )
            for rater in results.raters
        ],
    )


def _agreement(results: Results) -> Iterator[tuple[str, ...]]:
    measures = {"pairs": "pairs: alpha, nominal"}
    for name, alpha in results.alpha.items():
        if alpha is not None:
            what = measures.get(name, f"{name}: alpha, ordinal")
            yield f"raters on {what}", f"{alpha:+.2f}", "none", ""
    for name, share in results.observer_pairs.items():
        interval = _interval(share.estimate, 3)
        yield f"observer's {name} with preferences", f"{share.share:.3f}", interval, str(share.n)
    for name, order in results.observer_ratings.items():
        interval = "none" if order.low is None else f"{order.low:+.2f} to {order.high:+.2f}"
        what = f"observer's {name} with ratings: rho"
        yield what, f"{order.rho:+.2f}", interval, str(order.n)
    for name, share in results.judges.items():
        interval = _interval(share.estimate, 3)
        yield f"judge {name} with preferences", f"{share.share:.3f}", interval, str(share.n)
    if results.left is not None:
        interval = _interval(results.left, 3)
        yield "left answer preferred", f"{results.left.mean:.3f}", interval, str(results.left.n)


def _interval(estimate: Estimate | None, digits: int) -> str:
    if estimate is None:
        return "none"
    return f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}"


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else "none"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
