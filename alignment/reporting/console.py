"""Tables and lines that a run prints on the console."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from social_sandbox.envs.interactions import Interaction
from social_sandbox.envs.seeding import key
from social_sandbox.envs.texts import for_terminal, in_one_line
from social_sandbox.envs.turns import ASPECTS

from ..evaluation.society import rating_scale, ratings_by_round
from ..runtime import tables


def print_rounds(console: Console, interactions: Sequence[Interaction]) -> None:
    """Print mean alignment and engagement of drafts and revisions, by round."""
    title = f"Observers' mean ratings, 1 to {rating_scale(interactions)}, by round from 0"
    numbers = [f"{aspect}\n{judged}" for aspect in ASPECTS for judged in ("draft", "revision")]
    table = tables.table("round", *numbers, title=title, numbers=("round", *numbers))
    for number, ratings in ratings_by_round(interactions).items():
        cells = [ratings[judged][aspect] for aspect in ASPECTS for judged in ("draft", "revision")]
        table.add_row(str(number), *map(tables.value, cells))
    console.print(table)


def print_simulation(console: Console, summary: Mapping[str, Any]) -> None:
    """Print what a simulation has cost, missing utterances, and the agreement of its observers."""
    for policy, spent in summary["spent"].items():
        if spent["requests"]:
            console.print(
                f"  {policy}: {spent['requests']} requests, {spent['retries']} of them retries, "
                f"{spent['prompt']} + {spent['completion']} tokens, {spent['usd']:.4g} USD",
                markup=False,
            )
    for reason, count in summary["missing"].items():
        console.print(f"  {count} answers are missing: {reason}", markup=False)
    for aspect, alpha in summary["agreement"].items():
        if alpha is not None:
            console.print(f"  agreement of the observers on {aspect}: alpha {alpha:.2f}")


def print_data(console: Console, summary: Mapping[str, Any]) -> None:
    """Print the number of groups by kind."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in summary["groups"].items())
    console.print(f"  {kinds} groups with {summary['candidates']} candidates")


def print_training(
    console: Console, summary: Mapping[str, Any], log: Sequence[Mapping[str, float]] = ()
) -> None:
    """Print loss, steps and memory of a training; `log`: its rows of metrics."""
    console.print(
        f"  loss {summary['loss_start']:.3f} > {summary['loss_end']:.3f} "
        f"in {summary['steps']} steps, {summary['seconds']:.0f} s; {summary['tokens']} tokens, "
        f"{summary['peak_bytes'] / 2**30:.1f} GiB at most"
    )
    parts = [
        f"{name} {rows[0][part]:.3f} > {rows[-1][part]:.3f}"
        for name, part in (("imitation", "loss/sft"), ("contrast", "loss/contrast"))
        if (rows := [row for row in log if part in row])
    ]
    if parts:
        console.print(f"  its parts: {', '.join(parts)}")
    # Summaries of earlier versions lack these fields.
    if summary.get("stopped_early"):
        console.print(f"  stopped early: {summary['stopped_early']}", style="yellow")
    if summary.get("hinge_active") is not None:
        console.print(f"  contrast: active in {summary['hinge_active']:.0%} of its hinges")
    exported = summary.get("exported_step", summary["steps"])
    if exported != summary["steps"]:
        console.print(f"  exported: step {exported}, with the least loss on held-out groups")


def print_evaluation(console: Console, summary: Mapping[str, Any]) -> None:
    """Print held-out results with their intervals."""
    numbers = ("base", "aligned", "difference")
    title = f"{summary['questions']} held-out questions, with 95 % intervals"
    table = tables.table("measure", *numbers, title=title, numbers=numbers)
    for name, columns in summary["table"].items():
        cells = (tables.interval(columns[n], is_difference=n == "difference") for n in numbers)
        table.add_row(name.replace("_", " "), *cells)
    lengths = summary["words_per_answer"]
    table.add_row("words per answer", f"{lengths['base']:.1f}", f"{lengths['aligned']:.1f}", "")
    console.print(table)


def print_answers(
    console: Console, rows: Sequence[Mapping[str, Any]], seed: int, count: int = 3
) -> None:
    """Print some held-out answers of both models side by side; the seed chooses the questions."""
    first = [row for row in rows if row["sample"] == 0]
    for row in sorted(first, key=lambda row: key(seed, "shown", row["question"]))[:count]:
        question = for_terminal(in_one_line(row["question"]))
        table = Table(title=Text(question), show_lines=True, width=min(console.width, 100))
        models = [name for name in ("base", "aligned") if name in row]
        for name in models:
            table.add_column(f"{name}, rated {_rating(row[name]['alignment'])}", ratio=1)
        table.add_row(*(Text(for_terminal(row[name]["answer"].strip())) for name in models))
        console.print(table)


def print_cycles(console: Console, cycles: Sequence[Mapping[str, Any]]) -> None:
    """Print the ratings of each cycle's society, and the differences to the base model."""
    numbers = [f"{aspect}\n{of}" for of in ("revision", "held out") for aspect in ASPECTS]
    title = "Revisions in the society; held-out answers minus the base model (95 %)"
    table = tables.table("cycle", *numbers, title=title, numbers=("cycle", *numbers))
    for cycle in cycles:
        ratings = [cycle["society"]["revision"][aspect] for aspect in ASPECTS]
        held_out = [cycle["held_out"][aspect]["difference"] for aspect in ASPECTS]
        table.add_row(
            str(cycle["cycle"] + 1),
            *map(tables.value, ratings),
            *(tables.interval(difference, is_difference=True) for difference in held_out),
        )
    console.print(table)


def print_files(console: Console, folder: Path) -> None:
    """Print the files of a run with their contents."""
    contents = {
        "simulation/interactions.jsonl": "the interactions",
        "data/groups.jsonl": "the training data",
        "alignment/model": "the aligned model",
        "evaluation/results.json": "the held-out results",
        "evaluation/answers.jsonl": "the held-out answers",
        "metrics.json": "the summary of all stages",
        "figures": "the figures",
    }
    for name, meaning in contents.items():
        if (folder / name).exists():
            tables.print_path(console, f"  {meaning}", folder / name)


def _rating(rating: float | None) -> str:
    return "-" if rating is None else f"{rating:.1f}"
