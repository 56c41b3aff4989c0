"""`social-sandbox bench`: measure the sections, print the table and write it to a file."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any

from social_sandbox.policies.terminal import Terminal

from ..training.memory.model_shape import SHAPES
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
    "growth": "growth",
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
        "--only",
        nargs="+",
        type=_sections,
        default=[list(SECTIONS)],
        metavar="SECTION",
        help=f"these sections, of {', '.join(SECTIONS)}",
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
        "--interactions",
        type=_interactions,
        help="growth: the largest society (default: 100,000, quick: 10,000; a million need 15 GB "
        "in TMPDIR)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("runs/bench.json"), help="default: %(default)s"
    )
    options = parser.parse_args(arguments)
    console = Terminal()
    more: dict[str, dict[str, Any]] = {
        "scale": {"models": options.models},
        "growth": {"largest": options.interactions, "say": console.print},
    }
    rows: list[Row] = []
    for name in dict.fromkeys(chain.from_iterable(options.only)):
        start = monotonic()
        with console.status(f"measuring {name}"):
            section = import_module(f".{SECTIONS[name]}", __package__)
            rows += section.measurements(options.quick, **more.get(name, {}))
        console.print(f"{name}: measured in {monotonic() - start:.0f} s", highlight=False)
        # After each section, so that a Ctrl-C loses one section at most.
        table.write(options.output, rows, options.quick)
    table.show(console, rows)
    options.output.with_suffix(".md").write_text(table.markdown(rows), encoding="utf-8")
    console.print(f"written to {options.output}", markup=False, highlight=False)


def _sections(text: str) -> list[str]:
    """Return the sections that an argument names, such as `api,growth`."""
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in SECTIONS:
            known = ", ".join(SECTIONS)
            raise argparse.ArgumentTypeError(f"invalid choice: {name!r} (choose from {known})")
    return names


def _interactions(text: str) -> int:
    try:
        number = int(text.replace("_", "").replace(",", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < 10_000:
        raise argparse.ArgumentTypeError("must be at least 10,000")
    return number


if __name__ == "__main__":
    main(sys.argv[1:])
