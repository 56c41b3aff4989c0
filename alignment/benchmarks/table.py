"""Figures as people read them: on the terminal and in Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Column, Table

from .judge import in_words
from .results import Figure

COLUMNS = ("benchmark", "metric", "figure", "95 % interval", "n", "chance", "what")


def rows(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row a metric, as `COLUMNS` names its cells."""
    for benchmark, metrics in results["benchmarks"].items():
        for metric, figure in metrics.items():
            mean, low, high = (number(figure, name) for name in ("mean", "low", "high"))
            yield (
                benchmark,
                metric,
                mean,
                f"{low} to {high}",
                str(figure["n"]),
                "" if figure["chance"] is None else f"{figure['chance']:.3f}",
                str(figure["what"]),
            )


def number(figure: Figure, name: str) -> str:
    """A share with three digits behind the point, a rating with two."""
    value = figure[name]
    digits = 2 if "rating" in str(figure["what"]) else 3
    return f"{value:.{digits}f}"


def print_figures(console: Console, results: Mapping[str, Any]) -> None:
    """The table of one model."""
    # Narrow, and names never cut: a run over all benchmarks has 30 of them.
    columns = [Column(name, overflow="fold") for name in COLUMNS[:-1]]
    table = Table(*columns, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for row in rows(results):
        table.add_row(*row[:-1])
    console.print(table)


def print_pairwise(
    console: Console, pairwise: Mapping[str, Mapping[str, float]], other: str
) -> None:
    """How often the judge prefers this model's answers to another's."""
    for benchmark, found in pairwise.items():
        interval = f"{found['low']:.3f} to {found['high']:.3f}, {found['n']} answers"
        console.print(
            f"  {benchmark}: preferred to {other} in {found['mean']:.3f} ({interval}); "
            f"ties {found['contradictions']:.3f}",
            markup=False,
            soft_wrap=True,
        )


def markdown(results: Mapping[str, Any]) -> str:
    """The same, with what each metric is."""
    lines = [f"| {' | '.join(COLUMNS)} |", "| --- | --- | ---: | --- | ---: | ---: | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in rows(results)]
    if results["judge"]:
        lines += ["", f"Ratings: {in_words(results['judge'])}."]
    return "\n".join(lines) + "\n"
