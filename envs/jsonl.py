"""Files with one JSON object a line: checked when read, whole when written."""

import os
from collections.abc import Iterable, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from .errors import UserError

Row = TypeVar("Row")


def read_jsonl(
    source: Path | Traversable, row: TypeAdapter[Row], what: str, *, torn: bool = False
) -> Iterator[Row]:
    """The rows of a file; blank lines are passed over.

    `what` names the file's role in errors; `torn`: a last line without its end is passed over, too.
    Raises UserError naming the file and the line.
    """
    for _, value in read_numbered(source, row, what, torn=torn):
        yield value


def read_numbered(
    source: Path | Traversable, row: TypeAdapter[Row], what: str, *, torn: bool = False
) -> Iterator[tuple[int, Row]]:
    """As `read_jsonl`, each row with the number of its line."""
    # Not splitlines(): a line separator inside a JSON string must not end the line.
    lines = read_text(source, what).split("\n")
    for number, line in enumerate(lines[:-1] if torn else lines, start=1):
        if not line.strip():
            continue
        try:
            value = row.validate_json(line)
        except ValidationError as error:
            raise UserError(f"{what}: {source}, line {number}: {first_problem(error)}") from error
        yield number, value


def read_text(source: Path | Traversable, what: str) -> str:
    """A text file. Raises UserError naming the file and, where it is not UTF-8, the line."""
    try:
        return source.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{what}: cannot read {source}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{what}: {source} is not UTF-8 text (line {line})") from error


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong with a row: the field and the problem, without its value."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def write_jsonl(path: Path, rows: Iterable[Row], row: TypeAdapter[Row]) -> None:
    """Write a whole file at once: an old one stays until the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(row.dump_json(value).decode() + "\n" for value in rows)
    os.replace(partial, path)
