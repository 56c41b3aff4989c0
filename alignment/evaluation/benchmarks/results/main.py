"""`social-sandbox compare A B C [--over-seeds] [--output FOLDER]`."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from social_sandbox.policies.terminal import Terminal

from ....runtime.markdown import markdown_table, plain
from ....runtime.stage import make_folder
from ....runtime.tables import table
from .compare import different_settings, read_evaluated, side_by_side
from .figure import plot
from .over_seeds import by_settings, estimates_over_seeds, side_by_side_over_seeds
from .report import notes


def main(arguments: Sequence[str]) -> None:
    """Print the table of models, and write it with a figure where a folder is given."""
    parser = argparse.ArgumentParser(
        prog="social-sandbox compare",
        description="Benchmark results side by side; differences are to the first, paired by item.",
    )
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="output folder of an evaluate")
    parser.add_argument(
        "--over-seeds",
        action="store_true",
        help="runs that differ in the seed alone are one model: means with intervals over seeds "
        "and items together, differences paired by seed and item",
    )
    parser.add_argument("--output", type=Path, help="folder for compare.md and compare.png")
    options = parser.parse_args(arguments)
    models = [read_evaluated(folder) for folder in options.folders]
    if len({model.name for model in models}) < len(models):
        folders = zip(options.folders, models, strict=True)
        models = [replace(model, name=folder) for folder, model in folders]
    if options.over_seeds:
        groups = by_settings(models)
        header, rows, reasons = side_by_side_over_seeds(groups)
        estimates = {group.name: estimates_over_seeds(group) for group in groups}
    else:
        header, rows, reasons = side_by_side(models)
        estimates = {model.name: model.estimates for model in models}
    console = Terminal()
    wide = table(*header)
    for cells in rows:
        wide.add_row(*map(Text, cells))
    is_narrow = Measurement.get(console, console.options, wide).maximum >= console.width
    console.print(_narrow(header, rows) if is_narrow else wide)
    lines = [
        *reasons,
        *(() if options.over_seeds else different_settings(models)),
        *(f"{model.name}: {line}" for model in models for line in notes(model.results)),
    ]
    for line in lines:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if options.output is not None:
        make_folder(options.output, "--output")
        text = (
            "\n".join([markdown_table(header, rows), *(f"- {plain(line)}" for line in lines)])
            + "\n"
        )
        (options.output / "compare.md").write_text(text, encoding="utf-8")
        plot(options.output / "compare.png", estimates)
        console.print(f"  {options.output}", markup=False, soft_wrap=True)


def _narrow(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return the table with a line for each metric and model, for a terminal of 80 columns."""
    made = table("metric", "model", "result", whole=("result",))
    for benchmark, metric, *numbers, judge in rows:
        about = [
            f"{benchmark} {metric}",
            ", ".join(f"{n} {v}" for n, v in zip(header[2:4], numbers, strict=False) if v),
            f"judge right {judge}" if judge else "",
        ]
        made.add_section()
        for name, what, result in zip_longest(header[4:-1], filter(None, about), numbers[2:]):
            made.add_row(*(Text(cell or "") for cell in (what, name, result)))
    return made
