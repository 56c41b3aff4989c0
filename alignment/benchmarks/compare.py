"""Models side by side: `social-sandbox compare A B C [--output FOLDER]`."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from social_sandbox.envs.errors import UserError

from ..intervals import Estimate, estimate
from .benchmark import Benchmark, find_benchmarks
from .figure import plot
from .items import ITEMS, ItemResult, read_results
from .judge import in_words
from .results import Figure, Figures, scores_of
from .table import number

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model's results."""

    name: str
    path: Path
    """Of its items."""
    figures: Figures
    judge: dict[str, Any] | None
    items: list[ItemResult]


def read_evaluated(folder: str | Path, what: str = "compare") -> Evaluated:
    """What `evaluate benchmarks=...` wrote: its output folder, or the folder `benchmarks` in it.

    `what` stands before errors. Raises UserError naming the folder.
    """
    given = Path(folder)
    path = next((p for p in (given / "benchmarks", given) if (p / "results.json").exists()), None)
    if path is None:
        raise UserError(f"{what}: {folder} has no results of benchmarks: social-sandbox evaluate")
    try:
        results = json.loads((path / "results.json").read_text(encoding="utf-8"))
        figures, judge = results["benchmarks"], results["judge"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{what}: {path / 'results.json'} is damaged: evaluate again") from error
    name = given.name if given.name != "benchmarks" else given.resolve().parent.name
    return Evaluated(name, path / ITEMS, figures, judge, read_results(path / ITEMS))


def difference(
    benchmark: Benchmark, metric: str, first: Evaluated, other: Evaluated, seed: int = 0
) -> Estimate | None:
    """How much higher the other one scores, by paired bootstrap over the items that both have."""
    one, two = (
        scores_of(benchmark, [r for r in model.items if r.benchmark == benchmark.name], metric)
        for model in (first, other)
    )
    both = sorted(one.keys() & two.keys())
    return estimate(np.array([two[item] - one[item] for item in both]), RESAMPLES, seed)


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
    header, lines = side_by_side(models)
    console = Console()
    table = Table(*header)
    for cells in lines:
        table.add_row(*cells)
    console.print(table)
    judges = [f"{model.name}: {in_words(model.judge)}" for model in models if model.judge]
    for line in judges:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if told.output is not None:
        told.output.mkdir(parents=True, exist_ok=True)
        written = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *lines)]
        text = "\n".join([*written, "", *(f"{line}." for line in judges)]) + "\n"
        (told.output / "compare.md").write_text(text, encoding="utf-8")
        plot(told.output / "compare.png", {model.name: model.figures for model in models})
        console.print(f"  {told.output}", markup=False, soft_wrap=True)


def side_by_side(models: Sequence[Evaluated]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: each model's figure, and the differences to the first in brackets.

    Raises UserError where the models have no metric in common.
    """
    first, *others = models
    lines = []
    for name, metrics in first.figures.items():
        (benchmark,) = find_benchmarks([name])
        for metric, figure in metrics.items():
            cells = [_cell(figure)]
            for other in others:
                found = other.figures.get(name, {}).get(metric)
                gap = difference(benchmark, metric, first, other)
                cells.append(_cell(found, gap) if found else "")
            if not others or any(cells[1:]):
                chance = "" if figure["chance"] is None else f"{figure['chance']:.3f}"
                lines.append([name, metric, chance, str(figure["n"]), *cells])
    if not lines:
        raise UserError("compare: these results have no benchmark in common")
    return ["benchmark", "metric", "chance", "n", *(model.name for model in models)], lines


def _cell(figure: Mapping[str, Any] | Figure, gap: Estimate | None = None) -> str:
    text = f"{number(dict(figure), 'mean')}"
    if gap is None:
        return f"{text} ({number(dict(figure), 'low')} to {number(dict(figure), 'high')})"
    digits = 2 if "rating" in str(figure["what"]) else 3
    return f"{text} [{gap.mean:+.{digits}f}: {gap.low:+.{digits}f} to {gap.high:+.{digits}f}]"
