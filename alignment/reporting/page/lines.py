"""The lines of a file that may be large, and to which another process may append."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.file_kinds import GZIP, HEAD, wrong_kind
from social_sandbox.envs.text.jsonl import OBJECT, first_problem, read_text, without_lone_surrogates

_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next line begins: its byte, and how many lines stand before it."""

    byte: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line as an object; `end` is the place behind the line."""

    value: dict[str, Any]
    end: Place


def read_lines(path: Path, what: str, start: Place = Place()) -> Iterator[Line]:
    """Yield the objects of a file from a place on, without its blank lines, one at a time.

    A last line without a line feed that is no object is torn: it is left out, and stands before
    the place where the next reading begins.

    Raises:
        UserError: The file cannot be read, or a line is no object; names file and line.
    """
    number, byte = start.lines, start.byte
    for raw in _raw_lines(path, what, start):
        number, byte = number + 1, byte + len(raw)
        if not raw.strip():
            continue
        try:
            line = without_lone_surrogates(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
            value = OBJECT.validate_json(line)
        except (ValidationError, UnicodeDecodeError) as error:
            if not raw.endswith(b"\n"):
                return
            problem = "no UTF-8 text"
            if isinstance(error, ValidationError):
                problem = first_problem(error)
            raise UserError(f"{what}: {path}, line {number}: {problem}") from error
        yield Line(value, Place(byte, number))


def read_json(path: Path) -> Any:
    """Return the value of a JSON file; None where there is none.

    Raises:
        UserError: The file cannot be read, or is not JSON.
    """
    if not path.exists():
        return None
    try:
        return json.loads(read_text(path, "view"))
    except ValueError as error:
        raise UserError(f"view: {path} is not JSON") from error


def _raw_lines(path: Path, what: str, start: Place) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            if head.startswith((GZIP, *_MARKS)):
                # Not a file that grows: read whole.
                lines = read_text(path, what).split("\n")
                yield from (f"{line}\n".encode() for line in lines[start.lines :])
                return
            if kind := wrong_kind(head):
                raise UserError(f"{what}: {path} is {kind}")
            file.seek(start.byte)
            yield from file
    except OSError as error:
        raise UserError(f"{what}: cannot read {path}: {error.strerror}") from error
