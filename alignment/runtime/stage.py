"""Stages of a run: a folder each, with a record of its settings and its outcome.

A complete stage is not run again, an interrupted one is resumed, and the files of a stage that was
run with other settings are never mixed with new ones.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.text import Text

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.jsonl import write_whole
from social_sandbox.policies.society.lock import is_of_lock, locked

from .attempts import ATTEMPTS, begun, ended
from .processes import is_first
from .recipes import comparable
from .secrets import without_secrets

RECORD = "stage.json"
"""The file in a stage's folder that holds its settings and its summary."""

Summary = dict[str, Any]
Made = TypeVar("Made")
Work = Callable[[Path], tuple[Summary, Made]]


def run_stage(
    folder: Path,
    settings: Mapping[str, Any],
    prepare: Callable[[], Work[Made]],
    *,
    overwrite: bool,
    console: Console,
    amount: Mapping[str, Any] | None = None,
    wants_more: Callable[[Summary], bool] = lambda summary: False,
    barrier: Callable[[], None] = lambda: None,
) -> tuple[Summary, Made | None]:
    """Run a stage unless it is complete.

    Args:
        folder: The folder of the stage.
        settings: Everything that the outcome depends on, hashes of input files included.
        prepare: Called if there is work to do and before anything is removed, so that a wrong
            setting does no harm. Returns a function that writes the files of the stage into the
            folder, perhaps resuming an earlier attempt, and returns the summary and the objects
            that it made.
        overwrite: Whether to replace a folder that was made with other settings.
        console: Where progress is printed.
        amount: Settings that say how much is wanted. If only these have changed, the work is
            resumed with the existing files instead of being refused.
        wants_more: Says of the summary of a complete stage whether the stage is resumed anyway.
        barrier: Waits for all processes that run this stage together. No process removes a folder
            whose record another process has still to read.

    Returns:
        The summary, and the objects that the work made; None instead of these where the stage was
        complete.

    Raises:
        UserError: The folder was made with other settings.
    """

    def prepared() -> Work[Made]:
        with console.status(Text(f"{folder.name}: loading models and data")):
            return prepare()

    # Loading models is a part of the work.
    this = begun()
    settings = without_secrets(json.loads(json.dumps(settings, default=str)))
    amount = json.loads(json.dumps(amount, default=str))
    record = read_record(folder)
    if record and record["settings"] != without_secrets(record["settings"]):
        # Earlier versions have recorded texts that may be secret.
        record = extend_record(folder, {"settings": without_secrets(record["settings"])})
    if record and not record["complete"] and _outputs(folder) == [folder / RECORD]:
        record = None  # the stage failed before it wrote a file
    if record and comparable(record["settings"]) != comparable(settings):
        if not overwrite:
            changed = difference(comparable(record["settings"]), comparable(settings))
            raise UserError(
                f"output_dir: {folder} was made with other settings ({changed}); choose another "
                "output_dir, or overwrite=true to replace it"
            )
        work = prepared()
        barrier()
        if is_first():
            # A script may be playing in this folder alone.
            with locked(folder):
                shutil.rmtree(folder)
        barrier()
        record = None
    elif (
        record
        and record["complete"]
        # The name of `amount` in the records of all versions.
        and record.get("asked") == amount
        and not wants_more(record["summary"])
    ):
        console.print(_heading(folder, ": complete, kept"))
        return dict(record["summary"]), None
    else:
        work = prepared()
    suffix = " (resumes where it was interrupted)" if record else ""
    if record and record["complete"]:
        suffix = " (keeps its results, and adds what is missing or failed)"
    console.print(_heading(folder, suffix))
    made_with = {"settings": settings, **({} if amount is None else {"asked": amount})}
    attempts = [*(record or {}).get(ATTEMPTS, ()), this]
    write_json(folder / RECORD, {**made_with, "complete": False, ATTEMPTS: attempts})
    summary, made = work(folder)
    attempts[-1] = ended(attempts[-1])
    # The same values as those that are read from the record of a complete stage.
    summary = json.loads(json.dumps(summary))
    write_json(
        folder / RECORD, {**made_with, "complete": True, "summary": summary, ATTEMPTS: attempts}
    )
    return summary, made


def _heading(folder: Path, rest: str) -> Text:
    return Text.assemble((folder.name, "bold"), rest)


def _outputs(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not is_of_lock(path)]


def is_complete(folder: Path) -> bool:
    """Return whether the stage of this folder is complete."""
    record = read_record(folder)
    return bool(record and record["complete"])


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of the stage of this folder, or None if the stage was never begun.

    Raises:
        UserError: The record is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"output_dir: {path} is damaged: remove its folder") from error


def extend_record(folder: Path, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Add fields to the record of a stage, and return the whole record."""
    record = {**(read_record(folder) or {}), **fields}
    write_json(folder / RECORD, record)
    return record


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_hash(model: str) -> str | None:
    """Return a hash of the weights in a local folder, shards and adapters included.

    Returns None for a model that is no local folder, or has no weights.
    """
    folder = Path(model).expanduser()
    names = ("*.safetensors", "*.safetensors.index.json", "*.bin", "adapter_config.json")
    files = sorted({file for name in names for file in folder.glob(name)})
    if len(files) < 2:
        return file_hash(files[0]) if files else None
    hashes = "".join(f"{file.name} {file_hash(file)}\n" for file in files)
    return hashlib.sha256(hashes.encode()).hexdigest()


def make_folder(folder: Path, setting: str) -> None:
    """Make a folder if it does not exist.

    Raises:
        UserError: The folder cannot be made; the message names `setting`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{setting}: cannot make {folder}: {error.strerror}") from error


def write_json(path: Path, value: object) -> None:
    """Write an indented JSON file atomically. Of several processes only the first one writes."""
    if not is_first():
        return
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def difference(old: object, new: object, name: str = "") -> str:
    """Describe the first three settings that differ."""
    differences = _differences(old, new, name)
    rest = len(differences) - 3
    return ", ".join(differences[:3]) + (f" and {rest} more" if rest > 0 else "")


def _differences(old: object, new: object, name: str) -> list[str]:
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        old, new = (dict(zip(map(str, range(len(x))), x, strict=True)) for x in (old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        names = sorted(set(old) | set(new))
        return [
            difference
            for key in names
            for difference in _differences(old.get(key), new.get(key), f"{name}.{key}".strip("."))
        ]
    return [] if old == new else [f"{name}: {_short(old)}, now {_short(new)}"]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else "..." + text[-20:]
