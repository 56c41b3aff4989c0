"""A stage is a folder: what it was made with, whether it is complete, and what came out.

A complete stage is not made again; one that was made with other settings is never mixed with new
ones; one that was interrupted goes on.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.errors import UserError

from .processes import is_first

RECORD = "stage.json"

Summary = dict[str, Any]
Work = Callable[[Path], Summary]


def run_stage(
    folder: Path,
    settings: Mapping[str, Any],
    prepare: Callable[[], Work],
    *,
    overwrite: bool,
    console: Console,
    asked: Mapping[str, Any] | None = None,
    wants_more: Callable[[Summary], bool] = lambda summary: False,
) -> Summary:
    """Do the work of a stage unless it is done; returns its summary.

    Args:
        folder: the stage's own.
        settings: all that the outcome depends on, hashes of input files included.
        prepare: called if there is work to do and before anything is removed, so that a wrong
            setting harms nothing; returns the work, which makes the stage's files in the
            folder, perhaps going on from an earlier try, and returns its summary.
        overwrite: begin anew where the folder was made with other settings.
        console: says what happens.
        asked: settings that say how much is wanted: with these alone changed the work goes on
            over what is there, and is not refused.
        wants_more: whether a complete stage with such a summary is gone on with all the same.

    Raises:
        UserError: the folder was made with other settings.
    """
    settings = json.loads(json.dumps(settings, default=str))
    asked = json.loads(json.dumps(asked, default=str))
    record = read_record(folder)
    if record and not record["complete"] and list(folder.iterdir()) == [folder / RECORD]:
        record = None  # it failed before it had made anything
    if record and record["settings"] != settings:
        if not overwrite:
            raise UserError(
                f"output_dir: {folder} was made with other settings "
                f"({_difference(record['settings'], settings)}); choose another output_dir, "
                "or overwrite=true to replace it"
            )
        work = prepare()
        if is_first():
            shutil.rmtree(folder)
        record = None
    elif (
        record
        and record["complete"]
        and record.get("asked") == asked
        and not wants_more(record["summary"])
    ):
        console.print(f"[bold]{folder.name}[/]: complete, kept")
        return dict(record["summary"])
    else:
        work = prepare()
    going_on = " (goes on from where it was stopped)" if record else ""
    if record and record["complete"]:
        going_on = " (keeps what is there, and does what is asked for now or failed before)"
    console.print(f"[bold]{folder.name}[/]{going_on}")
    made_with = {"settings": settings, **({} if asked is None else {"asked": asked})}
    write_json(folder / RECORD, {**made_with, "complete": False})
    summary = work(folder)
    write_json(folder / RECORD, {**made_with, "complete": True, "summary": summary})
    return summary


def is_complete(folder: Path) -> bool:
    """Whether the stage of this folder was finished."""
    record = read_record(folder)
    return bool(record and record["complete"])


def read_record(folder: Path) -> dict[str, Any] | None:
    """What is known of the stage of this folder; None where none was begun.

    Raises UserError where the record is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"output_dir: {path} is damaged: remove its folder") from error


def note(folder: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Add to the record of a stage; returns the whole of it."""
    record = {**(read_record(folder) or {}), **more}
    write_json(folder / RECORD, record)
    return record


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_hash(model: str) -> str | None:
    """What stands for the weights in a local folder, a shard each or an adapter's; else None."""
    folder = Path(model).expanduser()
    names = ("*.safetensors", "*.safetensors.index.json", "*.bin", "adapter_config.json")
    files = sorted({file for name in names for file in folder.glob(name)})
    if len(files) < 2:
        return file_hash(files[0]) if files else None
    hashes = "".join(f"{file.name} {file_hash(file)}\n" for file in files)
    return hashlib.sha256(hashes.encode()).hexdigest()


def make_folder(folder: Path, setting: str) -> None:
    """Make a folder where there is none. Raises UserError naming the setting that asks for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{setting}: cannot make {folder}: {error.strerror}") from error


def write_json(path: Path, value: object) -> None:
    """Write a JSON file whole, for people to read. Of several processes the first one writes."""
    if not is_first():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


def _difference(old: object, new: object, name: str = "") -> str:
    """The first few settings that differ, in words."""
    found = list(_differences(old, new, name))
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


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
