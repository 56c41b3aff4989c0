"""Models side by side: `social-sandbox compare A B C [--output FOLDER]`."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from social_sandbox.envs.errors import UserError

from ...runtime.markdown import markdown_table
from ...runtime.stage import make_folder
from ..intervals import Estimate, estimate_mean
from .figure import plot
from .items import ITEMS, ItemResult, by_place, result_log
from .registry import Benchmark, find_benchmarks
from .report import chance, interval, judge_right, notes, number
from .results import PREFERRED, Figure, Figures, by_judge, is_rating, scores_of

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model's results."""

    name: str
    path: Path
    """Of its items."""
    results: Mapping[str, Any]
    """See `run.run_benchmarks`."""
    items: list[ItemResult]
    """Those that the figures are of."""

    @property
    def figures(self) -> Figures:
        """By benchmark and metric."""
        return dict(self.results["benchmarks"])

    @property
    def answers(self) -> dict[tuple[str, str], str]:
        """What it answered freely, by benchmark and item."""
        return {
            (r.benchmark, r.item): str(r.details["answer"])
            for r in self.items
            # What never came cannot be compared.
            if r.part == "answer" and "answer" in r.details
        }


def read_evaluated(folder: str | Path, what: str = "compare") -> Evaluated:
    """What `evaluate benchmarks=...` wrote: its output folder, or the folder `benchmarks` in it.

    `what` stands before errors. Raises UserError naming the folder.
    """
    given = Path(folder)
    path = next((p for p in (given / "benchmarks", given) if (p / "results.json").exists()), None)
    if path is None or not (path / ITEMS).exists():
        raise UserError(f"{what}: {folder} has no results of benchmarks: social-sandbox evaluate")
    try:
        results = json.loads((path / "results.json").read_text(encoding="utf-8"))
        results = _as_now(results)
        unused = {tuple(place) for place in results["unused"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{what}: {path / 'results.json'} is damaged: evaluate again") from error
    name = given.name if given.name != "benchmarks" else given.resolve().parent.name
    places = by_place(result_log(path / ITEMS).read())
    used = [result for place, result in places.items() if place not in unused]
    return Evaluated(name, path / ITEMS, results, used)


def _as_now(results: dict[str, Any]) -> dict[str, Any]:
    """Results in today's form.

    Those of the first version told less of the judge. Later ones still put the last question of a
    dialogue alone.
    """
    figures, judge = results["benchmarks"], results["judge"]
    results["made_with"] = {"dialogues": "last question", **results["made_with"]}
    if "unused" in results:
        return results
    if judge and judge["accuracy"]:
        judge = judge | {"ratings": {name: judge[name] for name in ("accuracy", "at_chance")}}
    for metrics in figures.values():
        for metric, figure in metrics.items():
            if judge and by_judge(metric):
                figure["judge"] = judge.get("ratings")
    return results | {"judge": judge, "pairwise": None, "choices": None, "unused": []}


def difference(
    benchmark: Benchmark, metric: str, first: Evaluated, other: Evaluated, seed: int = 0
) -> Estimate | None:
    """How much higher the other one scores, by paired bootstrap over the items that both have."""
    one, two = (scores_of(benchmark, model.items, metric) for model in (first, other))
    both = sorted(one.keys() & two.keys())
    return estimate_mean(np.array([two[item] - one[item] for item in both]), RESAMPLES, seed)


def obstacles(metric: str, benchmark: Benchmark, first: Evaluated, other: Evaluated) -> list[str]:
    """Why a metric of two models is not the same thing; what is not recorded is no reason."""
    if by_judge(metric):
        needed = [
            "judge",
            "rating_scale",
            "dialogues",
            *(["against"] if metric == PREFERRED else []),
        ]
        one, two = (model.results["made_with"] for model in (first, other))
    elif benchmark.answers == "refusals":
        return []
    else:
        needed = ["choices", "apply_chat_template"]
        one, two = (
            {"choices": model.results["choices"]}
            # It concerns likelihoods alone.
            | (model.results["made_with"] if model.results["choices"] == "likelihood" else {})
            for model in (first, other)
        )
    return [
        f"{name} {_told(one[name])} and {_told(two[name])}"
        for name in needed
        if None not in (one.get(name), two.get(name)) and one[name] != two[name]
    ]


def main(arguments: Sequence[str]) -> None:
    """Print the table of models, and write it with a figure where a folder is given."""
    parser = argparse.ArgumentParser(
        prog="social-sandbox compare",
        description="Benchmark results side by side; differences are to the first, paired by item.",
    )
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="output folder of an evaluate")
    parser.add_argument("--output", type=Path, help="folder for compare.md and compare.png")
    told = parser.parse_args(arguments)
    models = [read_evaluated(folder) for folder in told.folders]
    if len({model.name for model in models}) < len(models):
        models = [
            replace(model, name=folder) for folder, model in zip(told.folders, models, strict=True)
        ]
    header, lines, reasons = side_by_side(models)
    console = Console()
    # As text: brackets in it are no markup. Folded: what is cut off cannot be told apart.
    table = Table(*(Column(Text(name), overflow="fold") for name in header))
    for cells in lines:
        table.add_row(*map(Text, cells))
    console.print(table)
    beside = [
        *reasons,
        *_sampling(models),
        *(f"{model.name}: {line}" for model in models for line in notes(model.results)),
    ]
    for line in beside:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if told.output is not None:
        make_folder(told.output, "--output")
        text = "\n".join([markdown_table(header, lines), *(f"- {line}" for line in beside)]) + "\n"
        (told.output / "compare.md").write_text(text, encoding="utf-8")
        plot(told.output / "compare.png", {model.name: model.figures for model in models})
        console.print(f"  {told.output}", markup=False, soft_wrap=True)


def side_by_side(models: Sequence[Evaluated]) -> tuple[list[str], list[list[str]], list[str]]:
    """Header and rows: each model's figure, and the differences to the first in brackets.

    Then why rows are not comparable, a line a reason. Raises UserError where the models have no
    metric in common.
    """
    first, *others = models
    lines, common = [], False
    reasons: dict[str, list[str]] = {}
    for name, metric in _rows(models):
        (benchmark,) = find_benchmarks([name])
        have = [model.figures.get(name, {}).get(metric) for model in models]
        figures = [figure for figure in have if figure is not None]
        common |= len(figures) > 1 or not others
        cells = ["" if have[0] is None else f"{number(have[0], 'mean')} ({interval(have[0])})"]
        for other, found in zip(others, have[1:], strict=True):
            if found is None or have[0] is None:
                cells.append("" if found is None else _alone(found, figures[0]))
                continue
            why = obstacles(metric, benchmark, first, other)
            for reason in why:
                named = f"not comparable, {first.name} and {other.name}: {reason}"
                reasons.setdefault(named, []).append(f"{name} {metric}")
            gap = None if why else difference(benchmark, metric, first, other)
            cells.append(_cell(found, have[0], gap, comparable=not why))
        right = dict.fromkeys(judge_right(metric, figure) for figure in figures)
        lines.append(
            [name, metric, chance(figures[0]), str(figures[0]["n"]), *cells, " / ".join(right)]
        )
    if not common:
        raise UserError("compare: these results have no benchmark in common")
    header = ["benchmark", "metric", "chance", "n", *(m.name for m in models), "judge right"]
    told = [f"{reason} ({', '.join(rows)})" for reason, rows in reasons.items()]
    return header, lines, told


def _rows(models: Sequence[Evaluated]) -> Iterator[tuple[str, str]]:
    """Every benchmark and metric that any model has, the first one's order before the others'."""
    for name in dict.fromkeys(name for model in models for name in model.figures):
        labels = (label for model in models for label in model.figures.get(name, {}))
        yield from ((name, label) for label in dict.fromkeys(labels))


def _cell(found: Figure, first: Figure, gap: Estimate | None, comparable: bool) -> str:
    text = _alone(found, first)
    if not comparable:
        return f"{text} [not comparable]"
    if gap is None:
        return f"{text} [no two items in common]"
    digits = 2 if is_rating(found) else 3
    shared = "" if gap.n == found["n"] == first["n"] else f", n {gap.n}"
    return (
        f"{text} [{gap.mean:+.{digits}f}: {gap.low:+.{digits}f} to {gap.high:+.{digits}f}{shared}]"
    )


def _alone(found: Figure, first: Figure) -> str:
    """A mean, and its n where it is not the row's."""
    other = "" if found["n"] == first["n"] else f", n {found['n']}"
    return f"{number(found, 'mean')}{other}"


def _sampling(models: Sequence[Evaluated]) -> Iterator[str]:
    """What differs without making figures another thing."""
    for name in ("limit", "seed", "benchmark_temperature", "max_new_tokens"):
        made_with = [model.results["made_with"] for model in models]
        if all(name in one for one in made_with):
            values = [_told(one[name]) for one in made_with]
            if len(set(values)) > 1:
                of_each = ", ".join(
                    f"{value} ({model.name})" for value, model in zip(values, models, strict=True)
                )
                yield f"made with different {name}: {of_each}"


def _told(value: Any) -> str:
    """A setting in a few words; of a policy's recipe what tells it from others."""
    if isinstance(value, Mapping):
        kind = str(value.get("_target_", "")).rpartition(".")[2]
        own = [str(value[name]) for name in ("name", "model", "head") if value.get(name)]
        return " ".join([kind, *own])
    return str(value)[:40]
