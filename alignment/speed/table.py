"""Measurements as a table on the terminal, in Markdown and in JSON, with the machine."""

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

from ..runtime.markdown import markdown_table
from ..runtime.tables import table
from .measure import Measurement, Row


def show(console: Console, rows: Sequence[Row]) -> None:
    """Print the measurements with their goals."""
    made = table(
        *("part", "what", "value", "goal", "verdict"), title="How fast", numbers=("value", "goal")
    )
    section = ""
    for row in rows:
        if row.section != section:
            made.add_section()
        cells = _cells(row)
        made.add_row(row.section if row.section != section else "", *cells)
        section = row.section
    console.print(made)


def markdown(rows: Sequence[Row]) -> str:
    """Return the table in Markdown."""
    header = ("section", "what", "value", "goal", "verdict")
    cells = ((row.section, *_cells(row)) for row in rows)
    return markdown_table(header, cells, right=("value", "goal"))


def write(path: Path, rows: Sequence[Row], quick: bool) -> None:
    """Write all measurements and the machine to a JSON file."""
    measurements = [
        asdict(row) | ({"verdict": row.verdict} if isinstance(row, Measurement) else {})
        for row in rows
    ]
    result = {"machine": machine(), "quick": quick, "measurements": measurements}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Return the processor, the packages and the commit of the measurements."""
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
    if isinstance(row, Measurement):
        goal = "" if row.goal is None else str(row.goal)
        # Four digits, and no exponent where there are more.
        value = f"{row.value:,.0f}" if abs(row.value) >= 1e3 else f"{row.value:.4g}"
        return row.name, f"{value} {row.unit}", goal, row.verdict
    return row.name, "-", "", row.why


def _cpu() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    return info.partition("model name")[2].partition(":")[2].partition("\n")[0].strip()


def _commit() -> str | None:
    """Return the commit of the checkout with this file; None without a checkout."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
