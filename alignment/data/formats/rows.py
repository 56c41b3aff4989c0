"""Rows of a data set: JSON lines, a JSON array, CSV, a Parquet file, or a data set on the hub."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from glob import has_magic
from pathlib import Path
from typing import IO, Any, cast

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.file_kinds import GZIP, HEAD, wrong_kind
from social_sandbox.envs.text.jsonl import OBJECT, read_numbered, read_text, text_lines

Row = dict[str, Any]

_ENDINGS = (".json", ".jsonl", ".parquet", ".csv", ".tsv", ".gz")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_rows(
    source: str, what: str, split: str = "train", part: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Row]]:
    """Yield each row with its place in words, such as `data: FILE, line 3`.

    Args:
        source: File (JSON lines or a JSON array; CSV and Parquet by their endings; gzip may have
            compressed all but Parquet) or, where no such file exists, the hub id of a data set.
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
    else:
        yield from _text_rows(path, source, what)
        return
    for number, row in enumerate(rows, start=1):
        yield f"{what}: {source}, row {number}", row


def is_hub_id(source: str) -> bool:
    """Return whether a source is named like a data set on the hub, and not like a file."""
    return (
        source.count("/") == 1
        and not source.startswith((".", "/", "~"))
        and not source.endswith(_ENDINGS)
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
        with path.open("rb") as handle:
            if kind := wrong_kind(handle.read(HEAD), path.name):
                raise UserError(f"{what}: {path} is {kind}")
            with parquet.ParquetFile(handle) as file:
                for batch in file.iter_batches(1024):
                    for row in batch.to_pylist():
                        # pandas writes NaN where a number is missing.
                        yield {name: None if each != each else each for name, each in row.items()}
    except (OSError, pyarrow.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise UserError(f"{what}: cannot read {path}: {reason}") from error


def _text_rows(path: Path, source: str, what: str) -> Iterator[tuple[str, Row]]:
    if _ending(path) in _DELIMITERS:
        yield from _csv(path, what, source)
        return
    if _is_array(path):
        # A parser of JSON needs the whole of it.
        text = read_text(path, what)
        for number, row in enumerate(_array(text, f"{what}: {source}"), start=1):
            yield f"{what}: {source}, row {number}", row
    else:
        for number, row in read_numbered(path, OBJECT, what):
            yield f"{what}: {source}, line {number}", row


def _is_array(path: Path) -> bool:
    """Return whether a file begins with a bracket; False for a file that cannot be read."""
    try:
        with ExitStack() as files:
            file: IO[bytes] = files.enter_context(path.open("rb"))
            if file.read(len(GZIP)) == GZIP:
                file = cast(IO[bytes], files.enter_context(gzip.open(path)))
            file.seek(0)
            # Byte order marks and the zeros of UTF-16 may stand before the first letter.
            return file.read(HEAD).lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"[")
    except (OSError, EOFError, zlib.error):
        return False


def _ending(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix


def _csv(path: Path, what: str, source: str = "") -> Iterator[tuple[str, Row]]:
    """Yield each row with its place, which has the number of its last line."""
    place = f"{what}: {source or path}"
    lines = text_lines(path, what)
    reader = csv.DictReader(lines, delimiter=_DELIMITERS[_ending(path)], strict=True)
    try:
        for row in reader:
            if None in row:
                raise UserError(f"{place}, line {reader.line_num}: more cells than the first line")
            cells = {name: _cell(value) for name, value in row.items()}
            yield f"{place}, line {reader.line_num}", cells
    except csv.Error as error:
        raise UserError(f"{place}, line {reader.line_num + 1}: {error}") from error


def _cell(value: str | None) -> Any:
    """Return what a cell holds: a list of messages that is written as JSON, or a text."""
    if value and value.lstrip().startswith("[{"):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def _array(text: str, place: str) -> Iterator[Row]:
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{place}, line {error.lineno}: not JSON ({error.msg})") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise UserError(f"{place}, row {number}: not an object")
        yield row
