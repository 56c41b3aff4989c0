"""Tables and lines that a run prints on the console."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import ASPECTS, JUDGED
from social_sandbox.envs.text.texts import for_terminal, in_one_line

from ..evaluation.society import rating_scale, ratings_by_round
from ..runtime import tables
from ..runtime.attempts import duration
from . import adherence

_MOST_CHARACTERS = 1_200
"""Most characters of an answer in a table."""


def print_rounds(console: Console, interactions: Sequence[Interaction]) -> None:
    """Print mean alignment and engagement of drafts and revisions, by round."""
    rounds = ratings_by_round(interactions)
    # One rule may rate both aspects.
    same = all(
        of_judged["alignment"] == of_judged["engagement"]
        for ratings in rounds.values()
        for of_judged in ratings.values()
    )
    aspects = ASPECTS[:1] if same else ASPECTS
    title = f"Observers' mean ratings, 1 to {rating_scale(interactions)}, by round from 0"
    names = dict.fromkeys(aspects, "rating") if same else {aspect: aspect for aspect in aspects}
    numbers = [f"{names[aspect]}\n{judged}" for aspect in aspects for judged in JUDGED]
    table = tables.table("round", *numbers, title=title, numbers=("round", *numbers))
    table.min_width = len(title)
    for number, ratings in rounds.items():
        cells = [ratings[judged][aspect] for aspect in aspects for judged in JUDGED]
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
        prefixes = _prefixes(policy, summary)
        if prefixes:
            console.print(f"  {policy}: {prefixes}", markup=False)
    for reason, count in summary["missing"].items():
        console.print(f"  {count} answers are missing: {reason}", markup=False)
    for aspect, alpha in summary["agreement"].items():
        if alpha is not None:
            console.print(f"  agreement of the observers on {aspect}: alpha {alpha:.2f}")


def _prefixes(policy: str, summary: Mapping[str, Any]) -> str:
    """Return how much of a policy's prompts a prefix cache can serve, and has served."""
    share = summary.get("shared_prefixes", {}).get(policy)
    if share is None:
        return ""
    spent = summary["spent"][policy]
    cached = spent.get("cached", 0) / spent["prompt"]
    told = f", {cached:.0%} read from the server's cache" if cached else ""
    return f"{share:.0%} of the prompts' tokens share a prefix with another prompt{told}"


def print_data(console: Console, summary: Mapping[str, Any]) -> None:
    """Print the number of groups by kind."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in summary["groups"].items())
    console.print(f"  {kinds} groups with {summary['candidates']} candidates")


_LOGGED = {
    "its parts": {"imitation": "loss/sft", "contrast": "loss/contrast"},
    "in training": {"reward": "reward", "share cut off": "society/cut_off"},
    "on held-out questions": {
        "reward": "held_out/reward",
        "share cut off": "held_out/cut_off",
    },
}
"""Numbers of a training's log whose first and last values are printed, by what they are about."""


def print_training(
    console: Console, summary: Mapping[str, Any], log: Sequence[Mapping[str, float]] = ()
) -> None:
    """Print loss, steps and memory of a training; `log`: its rows of metrics."""
    console.print(
        f"  loss {_from_to(summary['loss_start'], summary['loss_end'])} "
        f"in {summary['steps']} steps, {summary['seconds']:.0f} s; {summary['tokens']} tokens, "
        f"{summary['peak_bytes'] / 2**30:.1f} GiB at most"
    )
    for title, numbers in _LOGGED.items():
        ends = ((name, _ends(log, key)) for name, key in numbers.items())
        shown = [f"{name} {_from_to(*each)}" for name, each in ends if each is not None]
        if shown:
            console.print(f"  {title}: {', '.join(shown)}")
    # Summaries of earlier versions lack these fields.
    if summary.get("stopped_early"):
        console.print(f"  stopped early: {summary['stopped_early']}", style="yellow")
    if summary.get("hinge_active") is not None:
        console.print(f"  contrast: active in {summary['hinge_active']:.0%} of its hinges")
    exported = summary.get("exported_step", summary["steps"])
    if exported != summary["steps"]:
        console.print(f"  exported: step {exported}, with the least loss on held-out groups")


def _ends(log: Sequence[Mapping[str, float]], name: str) -> tuple[float, float] | None:
    """Return the first and the last value of a logged number, None if it was not logged."""
    values = [row[name] for row in log if name in row]
    return (values[0], values[-1]) if values else None


def print_evaluation(console: Console, summary: Mapping[str, Any]) -> None:
    """Print held-out results with their intervals, and what they show about norms."""
    # Summaries of earlier versions lack the norms.
    adherence.print_adherence(console, summary.get("norms") or {})
    numbers = ("base", "aligned", "difference")
    title = f"{summary['questions']} held-out questions, with 95 % intervals"
    table = tables.table("measure", *numbers, title=title, numbers=numbers)
    for name, columns in shown_measures(summary).items():
        cells = (tables.interval(columns[n], is_difference=n == "difference") for n in numbers)
        table.add_row(name, *cells)
    lengths = summary["words_per_answer"]
    table.add_row("words per answer", f"{lengths['base']:.1f}", f"{lengths['aligned']:.1f}", "")
    console.print(table)


def print_verdicts(console: Console, lines: Iterable[str]) -> None:
    """Print what results show, a line each."""
    for line in lines:
        console.print(Padding(Text(line, style="bold"), (0, 0, 0, 2)))


def shown_measures(summary: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the measures of held-out results by the names that people read.

    Where the same norms rate both aspects, the three ratings are one and the same.
    """
    table = summary["table"]
    ratings = [table.get(name) for name in (*ASPECTS, "combined")]
    same = bool(summary.get("norms")) and ratings[0] == ratings[1] == ratings[2]
    shown: dict[str, Mapping[str, Any]] = {}
    for name, columns in table.items():
        if name in ("alignment", "engagement") and same:
            continue
        if name == "combined" and same:
            name = "rating"
        if name.startswith(adherence.WITNESS):
            name = f"{name.removeprefix(adherence.WITNESS)}, by the embedded observer"
        shown[name.replace("_", " ")] = columns
    return shown


def print_answers(
    console: Console, rows: Sequence[Mapping[str, Any]], seed: int, count: int = 3
) -> None:
    """Print some held-out answers of both models side by side; the seed chooses the questions."""
    for row in shown_answers(rows, seed, count):
        question = for_terminal(in_one_line(_shortened(row["question"])))
        table = Table(title=Text(question), show_lines=True, width=min(console.width, 100))
        models = [name for name in ("base", "aligned") if name in row]
        for name in models:
            table.add_column(Text(answer_heading(name, row[name])), ratio=1)
        table.add_row(*(Text(_shown(row[name]["answer"])) for name in models))
        console.print(table)


def shown_answers(
    rows: Sequence[Mapping[str, Any]], seed: int, count: int = 3
) -> list[Mapping[str, Any]]:
    """Return the first samples of some questions, which the seed chooses."""
    first = [row for row in rows if row["sample"] == 0]
    return sorted(first, key=lambda row: key(seed, "shown", row["question"]))[:count]


def answer_heading(model: str, given: Mapping[str, Any]) -> str:
    """Return whose answer it is, its rating, and which norms the answer follows."""
    heading = f"{model}, rated {_rating(given['alignment'])}"
    # Answers of earlier versions lack the norms.
    norms = given.get("norms") or {}
    for what, is_followed in (("follows", True), ("breaks", False)):
        names = [name for name, followed in norms.items() if followed is is_followed]
        if names:
            heading += f"\n{what} {', '.join(names)}"
    return heading


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


def print_times(console: Console, times: Mapping[str, float], took: float) -> None:
    """Print the time of each stage, and of the command, which may have kept stages of earlier ones.

    Args:
        console: The console.
        times: Seconds by stage, over all attempts.
        took: Seconds of this command.
    """
    table = tables.table("stage", "time", title="Time by stage", numbers=("time",))
    for name, seconds in times.items():
        table.add_row(name, duration(seconds))
    table.add_row("this command", duration(took))
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


def _from_to(first: float, last: float) -> str:
    """Return both values, or the one that is known where only one step was logged."""
    return f"{first:.3f}" if first == last else f"{first:.3f} > {last:.3f}"


def _shown(answer: str) -> str:
    """Return an answer as a table shows it."""
    return for_terminal(_shortened(answer.strip())) or "(empty)"


def _shortened(text: str) -> str:
    """Return as much of a text of a model as a table of answers has room for."""
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} [...]"


def _rating(rating: float | None) -> str:
    return "-" if rating is None else f"{rating:.1f}"
