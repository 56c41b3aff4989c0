"""Write the page of runs: the application and the data."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from social_sandbox.envs.errors import UserError

from .folders import RunFolder, find_runs, size
from .records import Index, RunName
from .scripts import DataFolder, write_if_changed
from .written import Advance, WrittenRun

VERSION = 1
"""Version of the layout that `records` describes."""

_MARK = "assets/style.css"
"""A file of every page: a folder without it is not written into unless it is empty."""


class Page:
    """The page of some runs, which can be brought up to date again and again.

    Attributes:
        target: Folder of the page.
        runs: The runs.
    """

    def __init__(
        self, folders: Sequence[Path], target: Path | None = None, *, following: bool = False
    ) -> None:
        """Find the runs; nothing is written yet.

        Args:
            folders: Folders of runs, see `find_runs`.
            target: Folder of the page; default: `page` in the first folder.
            following: Whether the page is kept up to date, so that the page asks for new data.

        Raises:
            UserError: A folder holds no run, or `target` holds something else.
        """
        self._folders = folders
        self.runs: Sequence[RunFolder] = find_runs(folders)
        default = folders[0] if folders[0].is_dir() else folders[0].parent
        self.target = default / "page" if target is None else target
        self._following = following
        self._data = DataFolder(self.target / "data")
        self._written = {run: WrittenRun(run, self._data) for run in self.runs}
        self._is_new = True

    @property
    def size(self) -> int:
        """Number of bytes of all files of interactions."""
        return sum(size(file) for run in self.runs for file in run.interaction_files)

    @property
    def index(self) -> Path:
        """The file to open in a browser."""
        return self.target / "index.html"

    def update(self, advance: Advance = lambda read: None) -> bool:
        """Write what is new, and return whether anything was.

        Raises:
            UserError: A line cannot be read, or the page cannot be written.
        """
        try:
            if self._is_new:
                _check_empty(self.target)
                copy_application(self.target)
            elif self._following:
                # An online job or a sweep may have begun another run.
                self.runs = find_runs(self._folders)
            for run in self.runs:
                self._written.setdefault(run, WrittenRun(run, self._data))
            changed = [self._written[run].update(advance) for run in self.runs]
            if any(changed):
                self._write_index()
            if self._is_new:
                self._data.remove_others()
        except OSError as error:
            raise UserError(
                f"view: cannot write {error.filename or self.target}: {error.strerror}; "
                "--output FOLDER writes the page elsewhere"
            ) from error
        self._is_new = False
        return any(changed)

    def stop_following(self) -> None:
        """Tell the page that nobody keeps it up to date any more."""
        self._following = False
        self._write_index()

    def _write_index(self) -> None:
        names = [RunName(run.key, run.name) for run in self.runs]
        stamp = self._data.stamp
        self._data.write("index", Index(VERSION, names, following=self._following, stamp=stamp))


def write_page(
    folders: Sequence[Path], target: Path | None = None, advance: Advance = lambda read: None
) -> Path:
    """Write the page of runs, and return the path of its `index.html`.

    The same runs give the same bytes.

    Args:
        folders: Folders of runs, see `find_runs`.
        target: Folder of the page; default: `page` in the first folder.
        advance: Is told how many bytes of interactions were read.

    Raises:
        UserError: A folder holds no run, a line cannot be read, or the page cannot be written.
    """
    page = Page(folders, target)
    page.update(advance)
    return page.index


def copy_application(target: Path) -> None:
    """Copy the application into the folder of a page."""
    own = files("social_sandbox.alignment.reporting.page") / "assets"
    shared = files("social_sandbox.policies.browser") / "assets"
    for name, file in [*_files(shared), *_files(own)]:
        place = target / name if name == "index.html" else target / "assets" / name
        write_if_changed(place, file.read_bytes())


def _check_empty(target: Path) -> None:
    """Raise UserError if a folder holds something that is no page."""
    if target.exists() and not target.is_dir():
        raise UserError(f"view: {target} is no folder")
    if target.is_dir() and any(target.iterdir()) and not (target / _MARK).exists():
        raise UserError(f"view: {target} holds other files; choose a new folder by --output")


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry
