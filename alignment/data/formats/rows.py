"""Rows of a data set: JSON lines, a JSON array, a Parquet file, or a data set on the hub."""

import json
from collections.abc import Iterator, Mapping
from glob import has_magic
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.jsonl import OBJECT, read_numbered, read_text

Row = dict[str, Any]

_BEFORE_JSON = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
"""Bytes of blanks and of byte order marks in UTF-8 and UTF-16."""


def read_rows(
    source: str, what: str, split: str = "train", part: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Row]]:
    """Yield each row with its place in words, such as `data: FILE, line 3`.

    Args:
        source: File (JSON lines, a JSON array, or Parquet by its ending) or, where no such file
            exists, the hub id of a data set.
        what: Setting that names the source, for error messages.
        split: Split of a data set on the hub.
        part: Further arguments of `datasets.load_dataset` (`name`, `data_dir`, `revision`).

    Raises:
        UserError: The source cannot be read; names `what`, and the file with its line or the id.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        raise UserError(f"{what}: {source} is a folder: name its files, such as {source}/*.jsonl")
    if is_hub_id(source):
        rows = _hub(source, what, split, part or {})
    elif path.suffix == ".parquet":
        rows = _parquet(path, what)
    elif _is_array(path, what):
        rows = _array(path, what)
    else:
        for number, row in read_numbered(path, OBJECT, what):
            yield f"{what}: {source}, line {number}", row
        return
    for number, row in enumerate(rows, start=1):
        yield f"{what}: {source}, row {number}", row


def is_hub_id(source: str) -> bool:
    """Return whether a source is named like a data set on the hub, and not like a file."""
    return (
        source.count("/") == 1
        and not source.startswith((".", "/", "~"))
        and not source.endswith((".json", ".jsonl", ".parquet"))
        and not has_magic(source)
        and not Path(source).exists()
    )


def _hub(hub_id: str, what: str, split: str, part: Mapping[str, str]) -> Iterator[Row]:
    from datasets import load_dataset

    try:
        yield from load_dataset(hub_id, split=split, **part)
    except Exception as error:
        reason = str(error).split("\n")[0]
        raise UserError(f"{what}: cannot load {hub_id} from the hub: {reason}") from error


def _parquet(path: Path, what: str) -> Iterator[Row]:
    import pyarrow
    from pyarrow import parquet

    try:
        with path.open("rb") as handle, parquet.ParquetFile(handle) as file:
            for batch in file.iter_batches(1024):
                yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise UserError(f"{what}: cannot read {path}: {reason}") from error


def _is_array(path: Path, what: str) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(256).lstrip(_BEFORE_JSON).startswith(b"[")
    except OSError as error:
        raise UserError(f"{what}: cannot read {path}: {error.strerror}") from error


def _array(path: Path, what: str) -> Iterator[Row]:
    try:
        rows = json.loads(read_text(path, what))
    except json.JSONDecodeError as error:
        raise UserError(f"{what}: {path}, line {error.lineno}: not JSON ({error.msg})") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise UserError(f"{what}: {path}, row {number}: not an object")
        yield row
