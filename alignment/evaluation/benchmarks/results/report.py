"""Tables of benchmark results: on the terminal and in Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from ....runtime.markdown import markdown_table, plain
from ..judge import in_short, in_words
from .estimates import PREFERRED, MetricEstimate, by_judge, is_rating

COLUMNS = ("benchmark", "metric", "mean", "95 % interval", "n", "chance", "judge right", "what")
NUMBERS = ("mean", "n", "chance", "judge right")
"""Columns that are aligned to the right."""


def rows(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each metric, in the order of `COLUMNS`."""
    for benchmark, metrics in results["benchmarks"].items():
        for metric, estimate in metrics.items():
            yield (
                benchmark,
                metric,
                number(estimate, "mean"),
                interval(estimate),
                str(estimate["n"]),
                chance(estimate),
                judge_right(metric, estimate),
                str(estimate["what"]),
            )


def number(estimate: MetricEstimate, name: str) -> str:
    """Return a share with three decimals, or a rating with two."""
    return f"{estimate[name]:.{2 if is_rating(estimate) else 3}f}"


def interval(estimate: MetricEstimate) -> str:
    """Return the ends of an interval; `none` for a single score."""
    if estimate["low"] is None:
        return "none"
    return f"{number(estimate, 'low')} to {number(estimate, 'high')}"


def chance(estimate: MetricEstimate) -> str:
    """Return the value that guessing gives; `none` for ratings and refusals, which have none."""
    return "none" if estimate["chance"] is None else f"{estimate['chance']:.3f}"


def judge_right(metric: str, estimate: MetricEstimate) -> str:
    """Return the accuracy of the judge who gave the scores; empty where no judge did."""
    return in_short(estimate.get("judge")) if by_judge(metric) else ""


def notes(results: Mapping[str, Any]) -> list[str]:
    """Return the notes that belong to the table, a line each."""
    made_with, lines = results["made_with"], []
    choices = how_chosen(results)
    if choices:
        lines.append(f"choices: {choices}")
    estimates = results["benchmarks"]
    adversarial = estimates.get("hh_adversarial")
    if adversarial and not any(metric.endswith("_drop") for metric in adversarial):
        lines.append("hh_adversarial: no drop without hh: benchmarks=[hh,hh_adversarial]")
    if results["judge"]:
        lines.append(in_words(results["judge"]))
    for benchmark, pairwise in (results["pairwise"] or {}).items():
        how = "by its ratings" if pairwise["way"] == "ratings" else "by letters in both orders"
        names = ("contradictions", "unreadable", "ties")
        halves = ", ".join(f"{pairwise[name]:.3f} {name}" for name in names)
        estimate = estimates[benchmark][PREFERRED]
        lines.append(
            f"{benchmark}: preferred to {made_with['against_name']} in {number(estimate, 'mean')} "
            f"({interval(estimate)}; {pairwise['n']} answers), {how}; as halves: {halves}"
        )
    return lines


def how_chosen(results: Mapping[str, Any]) -> str:
    """Return how the model chose: by letter, or by likelihood with or without chat template."""
    if results.get("choices") != "likelihood":
        return "by letter" if results.get("choices") else ""
    template = "on" if results["made_with"]["apply_chat_template"] else "off"
    return f"by likelihood, chat template {template}"


def print_estimates(console: Console, results: Mapping[str, Any]) -> None:
    """Print the table of one model and its notes."""
    cells = [row[:-1] for row in rows(results)]
    names = list(COLUMNS[:-1])
    if not any(row[-1] for row in cells):
        names, cells = names[:-1], [row[:-1] for row in cells]
    # The table fits into 80 columns with names of 19 letters; only the last column may fold.
    columns = [Column(name, no_wrap=name != COLUMNS[-2], overflow="fold") for name in names]
    table = Table(*columns, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)
    for line in notes(results):
        console.print(f"  {line}", markup=False, soft_wrap=True)


def markdown(results: Mapping[str, Any]) -> str:
    """Return the table of one model in Markdown, with the meaning of each metric, and its notes."""
    table = markdown_table(COLUMNS, rows(results), right=NUMBERS)
    lines = [f"- {plain(line)}\n" for line in notes(results)]
    return "".join([table, *(["\n"] if lines else []), *lines])
