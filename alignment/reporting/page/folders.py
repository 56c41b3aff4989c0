"""Which folders hold runs, and where a run has its files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.society.log import INTERACTIONS

_PARTS = (
    f"simulation/{INTERACTIONS}",
    "simulation/stage.json",
    "data/groups.jsonl",
    "alignment/stage.json",
    "evaluation/results.json",
    "benchmarks/results.json",
)
"""A folder that has one of these is a run."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of a run, and how the page names it.

    Attributes:
        key: Name in paths and addresses, of letters that are safe there.
        name: Name that people read.
        path: The folder, or a file of interactions that stands alone.
    """

    key: str
    name: str
    path: Path

    @property
    def folder(self) -> Path:
        """The folder of the stages."""
        return self.path.parent if self.path.is_file() else self.path

    @property
    def interactions(self) -> Path:
        """The file of interactions, which need not exist."""
        if self.path.is_file():
            return self.path
        inner = self.path / "simulation" / INTERACTIONS
        outer = self.path / INTERACTIONS
        return outer if outer.exists() and not inner.exists() else inner


def find_runs(paths: Sequence[Path]) -> list[RunFolder]:
    """Return the runs of the command line, in its order.

    A path is the folder of a run, a folder with several runs (a sweep, an online job), or a folder
    with a file of interactions, or such a file.

    Raises:
        UserError: A path does not exist, or holds no run.
    """
    found = [(path, run) for path in paths for run in _runs_at(path)]
    runs: list[RunFolder] = []
    for given, path in found:
        name = path.resolve().name
        if path != given:
            name = f"{given.resolve().name}/{path.relative_to(given)}"
        base = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "run"
        keys = {run.key.lower() for run in runs}
        key, number = base, 2
        while key.lower() in keys:
            key, number = f"{base}-{number}", number + 1
        runs.append(RunFolder(key, name if key == base else f"{name} ({number - 1})", path))
    return runs


def _runs_at(path: Path) -> list[Path]:
    if not path.exists():
        raise UserError(f"view: {path} does not exist")
    if path.is_file() or _is_run(path):
        return [path]
    runs = sorted((inner for inner in _folders(path) if _is_run(inner)), key=_by_number)
    if not runs:
        raise UserError(
            f"view: {path} holds no run: give the output_dir of a run, or a file of interactions"
        )
    return runs


def _folders(path: Path) -> list[Path]:
    try:
        return [inner for inner in path.iterdir() if inner.is_dir()]
    except OSError as error:
        raise UserError(f"view: cannot read {path}: {error.strerror}") from error


def _is_run(path: Path) -> bool:
    return any((path / part).exists() for part in (*_PARTS, INTERACTIONS))


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Return a key by which `cycle_10` stands behind `cycle_9`."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
