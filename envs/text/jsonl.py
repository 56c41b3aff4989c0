"""Files with one JSON object a line: checked when read, written whole, or appended to.

Lines end with a line feed, behind which a carriage return may stand. The characters U+2028, U+2029
and U+0085, at which `str.splitlines` splits too, may stand unescaped inside a text of a JSON line.
"""

import codecs
import gzip
import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from io import FileIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any, Generic, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from ..errors import UserError
from .file_kinds import GZIP, HEAD, wrong_kind

Row = TypeVar("Row")

_LONE_SURROGATE = re.compile(
    r"(?<!\\)((?:\\\\)*)"
    r"(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""A JSON escape of half a character. A parser of JSON refuses it, and a file cannot hold it."""

OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
"""Reads a line as a dictionary, whatever its fields are."""


def read_jsonl(
    source: Path | Traversable, row: TypeAdapter[Row], what: str, *, torn: bool = False
) -> Iterator[Row]:
    """Yield the rows of a file, without its blank lines.

    Args:
        source: File in UTF-8.
        row: Type of a row.
        what: Name of the file's role or of the setting that names the file, for error messages.
        torn: Whether to leave out a last line that has no line feed at its end.

    Raises:
        UserError: The file cannot be read, or a line is not such a row; names file and line.
    """
    for _, value in read_numbered(source, row, what, torn=torn):
        yield value


def read_numbered(
    source: Path | Traversable, row: TypeAdapter[Row], what: str, *, torn: bool = False
) -> Iterator[tuple[int, Row]]:
    """Yield each row with the number of its line, from 1; see `read_jsonl`."""
    for number, line in enumerate(text_lines(source, what), start=1):
        if not line.strip() or (torn and not line.endswith("\n")):
            continue
        try:
            value = row.validate_json(without_lone_surrogates(line))
        except ValidationError as error:
            raise UserError(f"{what}: {source}, line {number}: {first_problem(error)}") from error
        yield number, value


def text_lines(source: Path | Traversable, what: str) -> Iterator[str]:
    """Yield the lines of a file one by one, so that a file may be larger than the memory.

    Raises:
        UserError: See `read_text`.
    """
    try:
        with ExitStack() as files:
            file: IO[bytes] = files.enter_context(source.open("rb"))
            head = file.read(HEAD)
            file.seek(0)
            if head.startswith(GZIP):
                file = cast(IO[bytes], files.enter_context(gzip.open(file)))
                head = file.read(HEAD)
                file.seek(0)
            if kind := wrong_kind(head):
                raise UserError(f"{what}: {source} is {kind}")
            if not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                # Each kind of line end becomes a line feed, as text files are read everywhere.
                yield from TextIOWrapper(file, encoding="utf-8-sig")
                return
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{what}: cannot read {source}: {reason}") from error
    except UnicodeDecodeError:
        pass
    # UTF-16; or no text, which the whole of it tells in other words.
    yield from StringIO(read_text(source, what), newline="\n")


def without_lone_surrogates(line: str) -> str:
    """Return a line of JSON in which U+FFFD stands for each escape of half a character."""
    return _LONE_SURROGATE.sub(r"\1\\ufffd", line) if "\\u" in line else line


def read_text(source: Path | Traversable, what: str) -> str:
    """Return the text of a file in UTF-8 or, by its byte order mark, UTF-16.

    A byte order mark is left out. gzip may have compressed the file.

    Raises:
        UserError: The file cannot be read, is of another kind (such as a Git LFS pointer) or is not
            UTF-8; names the file and in the latter case the line.
    """
    try:
        data = source.read_bytes()
        if data.startswith(GZIP):
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{what}: cannot read {source}: {reason}") from error
    if kind := wrong_kind(data[:HEAD]):
        raise UserError(f"{what}: {source} is {kind}")
    utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        # As text files are read everywhere: each kind of line end is a line feed.
        text = data.decode("utf-16" if utf_16 else "utf-8-sig")
        return text.replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{what}: {source} is not UTF-8 text (line {line})") from error


def first_problem(error: ValidationError) -> str:
    """Return the first field of a row that is wrong and the reason, without the field's value."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def write_jsonl(path: Path, rows: Iterable[Row], row: TypeAdapter[Row]) -> None:
    """Write a file whole; an earlier file stays until the new one is complete."""
    _write_lines(path, (row.dump_json(value).decode() for value in rows))


def write_objects(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write dictionaries of plain values, as `write_jsonl` writes typed rows."""
    _write_lines(path, (json.dumps(row, ensure_ascii=False) for row in rows))


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole; an earlier file stays until the new one is complete."""
    _write_parts(path, [text])


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    _write_parts(path, (line + "\n" for line in lines))


def _write_parts(path: Path, parts: Iterable[str]) -> None:
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(parts)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield where to write a file, which takes the place of an earlier one when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Named by the process: several may write one file of a sweep, and the last one counts.
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class JsonlLog(Generic[Row]):
    """A file to which rows are appended as they come, by one process at a time.

    A program that is killed can leave a last line that is torn, that is, without its line feed.
    `read` leaves a torn line out, and `append` replaces it.

    Attributes:
        path: File; need not exist yet.
        row: Type of a row.
        what: Name of the file's role, for error messages.
    """

    path: Path
    row: TypeAdapter[Row]
    what: str

    def read(self) -> list[Row]:
        """Return the rows so far, none where there is no file.

        Raises:
            UserError: A line is not such a row; names file and line.
        """
        return [value for _, value in self.numbered()]

    def numbered(self) -> Iterator[tuple[int, Row]]:
        """Yield each row so far with the number of its line, from 1; see `read`."""
        if self.path.exists():
            yield from read_numbered(self.path, self.row, self.what, torn=True)

    def append(self, rows: Iterable[Row], *, sync: bool = False) -> None:
        """Append rows behind the last whole line.

        Args:
            rows: Rows.
            sync: Whether to wait until the disk has them, so that they survive a power cut.
        """
        with self._opened() as file:
            _write_all(file, self._lines(rows))
            if sync:
                os.fsync(file.fileno())

    @contextmanager
    def appending(self) -> Iterator[Callable[[Iterable[Row]], None]]:
        """Open the file once for many calls of the function that is the context.

        The function appends rows behind the last whole line; they are in the file when the
        function returns, though perhaps not yet on the disk.
        """
        with self._opened() as file:
            yield lambda rows: _write_all(file, self._lines(rows))

    def _lines(self, rows: Iterable[Row]) -> bytes:
        return b"".join(self.row.dump_json(value) + b"\n" for value in rows)

    @contextmanager
    def _opened(self) -> Iterator[FileIO]:
        # Without a buffer: what a full disk has refused must not be written again at the end.
        with open(self.path, "ab+", buffering=0) as file:
            _drop_torn_line(file)
            yield file


def _write_all(file: FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _drop_torn_line(file: FileIO) -> None:
    size = file.seek(0, os.SEEK_END)
    if not size:
        return
    # From the end, since a log may be larger than the memory.
    end, part = size, 2**16
    while end:
        start = max(0, end - part)
        file.seek(start)
        place = (file.read(end - start) or b"").rfind(b"\n")
        if place >= 0:
            end = start + place + 1
            break
        end = start
    if end < size:
        file.truncate(end)
    file.seek(0, os.SEEK_END)
