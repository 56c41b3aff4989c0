"""Figures as people read them: on the terminal and in Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from ...runtime.markdown import markdown_table
from .judge import in_short, in_words
from .results import PREFERRED, Figure, by_judge, is_rating

COLUMNS = ("benchmark", "metric", "figure", "95 % interval", "n", "chance", "judge right", "what")
NUMBERS = ("figure", "n", "chance", "judge right")


def rows(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row a metric, as `COLUMNS` names its cells."""
    for benchmark, metrics in results["benchmarks"].items():
        for metric, figure in metrics.items():
            yield (
                benchmark,
                metric,
                number(figure, "mean"),
                interval(figure),
                str(figure["n"]),
                chance(figure),
                judge_right(metric, figure),
                str(figure["what"]),
            )


def number(figure: Figure, name: str) -> str:
    """A share with three digits behind the point, a rating with two."""
    return f"{figure[name]:.{2 if is_rating(figure) else 3}f}"


def interval(figure: Figure) -> str:
    """Both ends; none of a single score."""
    if figure["low"] is None:
        return "none"
    return f"{number(figure, 'low')} to {number(figure, 'high')}"


def chance(figure: Figure) -> str:
    """What guessing gives; none where there is no such thing, as for ratings and refusals."""
    return "none" if figure["chance"] is None else f"{figure['chance']:.3f}"


def judge_right(metric: str, figure: Figure) -> str:
    """How often the judge who gave a figure is right; empty where no judge did."""
    return in_short(figure.get("judge")) if by_judge(metric) else ""


def notes(results: Mapping[str, Any]) -> list[str]:
    """What has to be known beside the figures, a line each."""
    made_with, lines = results["made_with"], []
    choices = how_chosen(results)
    if choices:
        lines.append(f"choices: {choices}")
    figures = results["benchmarks"]
    adversarial = figures.get("hh_adversarial")
    if adversarial and not any(metric.endswith("_drop") for metric in adversarial):
        lines.append("hh_adversarial: no drop without hh: benchmarks=[hh,hh_adversarial]")
    if results["judge"]:
        lines.append(in_words(results["judge"]))
    for benchmark, found in (results["pairwise"] or {}).items():
        how = "by its ratings" if found["way"] == "ratings" else "by letters in both orders"
        rest = ", ".join(f"{found[n]:.3f} {n}" for n in ("contradictions", "unreadable", "ties"))
        figure = figures[benchmark][PREFERRED]
        lines.append(
            f"{benchmark}: preferred to {made_with['against_name']} in {number(figure, 'mean')} "
            f"({interval(figure)}; {found['n']} answers), {how}; as halves: {rest}"
        )
    return lines


def how_chosen(results: Mapping[str, Any]) -> str:
    """By letter, or by likelihood and with or without the chat template; empty where not known."""
    if results.get("choices") != "likelihood":
        return "by letter" if results.get("choices") else ""
    template = "on" if results["made_with"]["apply_chat_template"] else "off"
    return f"by likelihood, chat template {template}"


def print_figures(console: Console, results: Mapping[str, Any]) -> None:
    """The table of one model, and what has to be known beside it."""
    shown = [row[:-1] for row in rows(results)]
    names = list(COLUMNS[:-1])
    if not any(row[-1] for row in shown):
        names, shown = names[:-1], [row[:-1] for row in shown]
    # Names of 19 letters and a line a metric fit into 80 columns; what a judge is worth may fold.
    columns = [Column(name, no_wrap=name != COLUMNS[-2], overflow="fold") for name in names]
    table = Table(*columns, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for row in shown:
        table.add_row(*map(Text, row))
    console.print(table)
    for line in notes(results):
        console.print(f"  {line}", markup=False, soft_wrap=True)


def markdown(results: Mapping[str, Any]) -> str:
    """The same, with what each metric is."""
    table = markdown_table(COLUMNS, rows(results), right=NUMBERS)
    lines = [f"- {line}\n" for line in notes(results)]
    return "".join([table, *(["\n"] if lines else []), *lines])
