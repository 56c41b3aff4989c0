"""Who worked on a stage: which program, on which machine, and from when to when."""

import os
import platform
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ATTEMPTS = "attempts"
"""The list in the record of a stage: one entry for each time that somebody worked on it."""

Attempt = dict[str, Any]


def begun() -> Attempt:
    """Return a record of this program and this machine, from now on."""
    return {
        "version": _version(),
        "commit": commit(Path(__file__).resolve().parents[2]),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "gpu": _gpu(),
        "began": _now(),
    }


def ended(attempt: Attempt) -> Attempt:
    """Return the record of work that has just ended."""
    # A policy may have loaded torch meanwhile.
    return {**attempt, "gpu": _gpu(), "ended": _now()}


def seconds(attempt: Mapping[str, Any]) -> float | None:
    """Return how long an attempt took; None where its end is not known."""
    try:
        began, end = (datetime.fromisoformat(str(attempt[name])) for name in ("began", "ended"))
    except (KeyError, ValueError):
        return None
    return (end - began).total_seconds()


def seconds_of_stage(record: Mapping[str, Any]) -> float | None:
    """Return how long all attempts of a stage took together; None where no end is known.

    Args:
        record: The record of the stage.
    """
    known = [spent for one in record.get(ATTEMPTS) or () if (spent := seconds(one)) is not None]
    return sum(known) if known else None


def duration(seconds: float) -> str:
    """Return a duration in words, such as `2 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest if not hours else 0, "s"))
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount) or "0 s"


def commit(folder: Path) -> str | None:
    """Return the commit of a checkout, from its files; None for an installed package."""
    git = folder / ".git"
    try:
        if git.is_file():  # a worktree
            git = folder / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        common = git / "commondir"
        shared = git / common.read_text(encoding="utf-8").strip() if common.exists() else git
        loose = shared / reference
        if loose.exists():
            return loose.read_text(encoding="utf-8").strip()
        packed = (shared / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {reference}")), None)
    except OSError:
        return None


def _version() -> str | None:
    try:
        return version("social-sandbox")
    except PackageNotFoundError:
        return None


def _gpu() -> str | None:
    # Only if a model has been loaded: torch takes seconds.
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name())


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
