"""The figures as a table for the eye, as Markdown and as JSON, with the machine they come from."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ..runtime.markdown import markdown_table
from .measure import Figure, Row


def show(console: Console, rows: Sequence[Row]) -> None:
    """Print the figures, the goal beside each."""
    table = Table("", "what", title="How fast")
    for heading in ("figure", "goal"):
        table.add_column(heading, justify="right")
    table.add_column("")
    section = ""
    for row in rows:
        if row.section != section:
            table.add_section()
        cells = _cells(row)
        table.add_row(row.section if row.section != section else "", *cells)
        section = row.section
    console.print(table)


def markdown(rows: Sequence[Row]) -> str:
    """The table for a README."""
    header = ("section", "what", "figure", "goal", "verdict")
    cells = ((row.section, *_cells(row)) for row in rows)
    return markdown_table(header, cells, right=("figure", "goal"))


def write(path: Path, rows: Sequence[Row], quick: bool) -> None:
    """Everything that was measured, and where."""
    figures = [
        asdict(row) | ({"verdict": row.verdict} if isinstance(row, Figure) else {}) for row in rows
    ]
    result = {"machine": machine(), "quick": quick, "figures": figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """What this was measured on and with."""
    import torch

    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        **{name: version(name) for name in ("social-sandbox", "torch", "transformers")},
        "commit": _commit(),
    }


def _cells(row: Row) -> tuple[str, str, str, str]:
    if isinstance(row, Figure):
        goal = "" if row.goal is None else str(row.goal)
        return row.name, f"{row.value:,.4g} {row.unit}", goal, row.verdict
    return row.name, "-", "", row.why


def _cpu() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    return info.partition("model name")[2].partition(":")[2].partition("\n")[0].strip()


def _commit() -> str | None:
    """Of the checkout that this runs from, where it is one."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
