"""`social-sandbox bench`: measure the sections, print the table and write it to a file."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from time import monotonic

from social_sandbox.policies.terminal import Terminal

from ..training.model_shape import SHAPES
from . import table
from .measure import Row

SECTIONS = {
    "env": "environment",
    "memory": "memories",
    "rollout": "rollouts",
    "api": "api",
    "observe": "observe",
    "train": "train",
    "page": "page",
    "scale": "scale.section",
}
"""The module of each section, which is imported when the section is measured."""


def main(arguments: Sequence[str]) -> None:
    """Measure the given sections.

    Raises:
        UserError: A section cannot be measured.
    """
    parser = argparse.ArgumentParser(
        prog="social-sandbox bench",
        description="Speeds as ratios of two things done in turn in one run, medians over several "
        "alternations. Nothing else should run on the machine meanwhile.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter repetitions")
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="these sections"
    )
    parser.add_argument(
        "--models",
        nargs="+",
        choices=SHAPES,
        default=[],
        help="models of the section scale, by the size of published ones; default: 1b and 7b on a "
        "GPU, else tiny",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("runs/bench.json"), help="default: %(default)s"
    )
    options = parser.parse_args(arguments)
    console = Terminal()
    rows: list[Row] = []
    for name in options.only:
        start = monotonic()
        with console.status(f"measuring {name}"):
            section = import_module(f".{SECTIONS[name]}", __package__)
            more = {"models": options.models} if name == "scale" else {}
            rows += section.measurements(options.quick, **more)
        console.print(f"{name}: measured in {monotonic() - start:.0f} s", highlight=False)
        # After each section, so that a Ctrl-C loses one section at most.
        table.write(options.output, rows, options.quick)
    table.show(console, rows)
    options.output.with_suffix(".md").write_text(table.markdown(rows), encoding="utf-8")
    console.print(f"written to {options.output}", markup=False, highlight=False)


if __name__ == "__main__":
    main(sys.argv[1:])
