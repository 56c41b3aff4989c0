"""Which folders hold runs, and where a run has its files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.society.engines.merge import WORLDS
from social_sandbox.policies.society.engines.under_way import interaction_files
from social_sandbox.policies.society.lock import HOLDER
from social_sandbox.policies.society.log import INTERACTIONS

from .lines import read_json

_PARTS = (
    f"simulation/{INTERACTIONS}",
    f"simulation/{WORLDS}",
    "simulation/stage.json",
    "data/groups.jsonl",
    "alignment/stage.json",
    "evaluation/results.json",
    "benchmarks/results.json",
)
"""A folder that has one of these is a run."""


_POINT = "point.json"
"""What differs between the points of a sweep, see `cli.sweeps`."""


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
        if inner.exists():
            return inner
        outer = self.path / INTERACTIONS
        return outer if outer.exists() else self._read_by_data() or inner

    @property
    def interaction_files(self) -> list[Path]:
        """The files of interactions that exist: several while workers play."""
        file = self.interactions
        if (file.parent / WORLDS).is_dir() and not self.path.is_file():
            return interaction_files(file.parent)
        return [file] if file.exists() else []

    def _read_by_data(self) -> Path | None:
        """Return the file of interactions of another run that this run made its data of."""
        report = read_json(self.path / "data" / "report.json") or {}
        files = [
            Path(file)
            for source in report.get("sources") or ()
            if source.get("kind") == "interactions"
            for file in source.get("files") or ()
        ]
        return next((file for file in files if file.is_file()), None)


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
        shown = name if key == base else f"{name} ({number - 1})"
        runs.append(RunFolder(key, f"{shown}{_swept(path)}", path))
    return runs


def _swept(path: Path) -> str:
    """Return the settings in which a point of a sweep differs from others, for its name."""
    point = read_json(path / _POINT) if path.is_dir() else None
    settings = point.get("settings") if isinstance(point, dict) else None
    if not isinstance(settings, dict) or not settings:
        return ""
    return ": " + ", ".join(f"{name}={value}" for name, value in settings.items())


def newest_run(here: Path) -> Path:
    """Return the run below `runs` or `outputs` of a folder whose files are the newest.

    The folder itself counts where it is a run.

    Raises:
        UserError: There is none.
    """
    if _is_run(here):
        return here
    parents = [here / name for name in ("runs", "outputs") if (here / name).is_dir()]
    inner = [path for parent in parents for path in _folders(parent)]
    runs = [path for path in inner if _is_run(path) or any(map(_is_run, _folders(path)))]
    if not runs:
        raise UserError("view: no run in ./runs or ./outputs: give a folder, as in view runs/demo")
    return max(runs, key=_last_change)


def _last_change(path: Path) -> float:
    files = [file for part in _PARTS for file in (path / part, *path.glob(f"*/{part}"))]
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def _runs_at(path: Path) -> list[Path]:
    if not path.exists():
        raise UserError(f"view: {path} does not exist")
    if path.is_file() or _is_run(path):
        return [path]
    runs = sorted((inner for inner in _folders(path) if _is_run(inner)), key=_by_number)
    # A process has just begun there.
    if not runs and (path / HOLDER).exists():
        return [path]
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


def size(file: Path) -> int:
    """Return the size of a file in bytes; 0 where there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return 0
