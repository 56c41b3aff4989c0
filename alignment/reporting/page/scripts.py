"""The data files of the page: each is one call `receive(NAME, DATA)`."""

import base64
import gzip
import hashlib
import json
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from social_sandbox.envs.text.jsonl import replacing

from .records import CHUNK


class DataFolder:
    """The folder `data/` of a page, into which files are written as they are needed.

    A file that would not change is not written. A file is never seen half-written.
    """

    def __init__(self, path: Path) -> None:
        """Name the folder, which is made with the first file."""
        self.path = path
        self._hashes: dict[str, str] = {}

    @property
    def stamp(self) -> str:
        """A hash of all files written so far but the index, which holds it."""
        hashes = sorted((name, value) for name, value in self._hashes.items() if name != "index")
        lines = "".join(f"{name} {value}\n" for name, value in hashes)
        return hashlib.sha256(lines.encode()).hexdigest()[:16]

    def write(self, name: str, value: object) -> None:
        """Write a dataclass, or a list or dictionary of them, as the file `NAME.js`."""
        data = script(name, value)
        self._hashes[name] = hashlib.sha256(data).hexdigest()
        write_if_changed(self.path / f"{name}.js", data)

    def write_chunks(self, name: str, records: Iterable[object]) -> int:
        """Write records in files `NAME/00000.js` and so on; returns the number of files."""
        number, chunk = 0, []
        for record in records:
            chunk.append(record)
            if len(chunk) == CHUNK:
                self.write(chunk_name(name, number), chunk)
                number, chunk = number + 1, []
        if chunk:
            self.write(chunk_name(name, number), chunk)
            number += 1
        return number

    def remove_others(self) -> None:
        """Remove the files that were not written, such as those of a run that is gone."""
        known = {self.path / f"{name}.js" for name in self._hashes}
        for file in sorted(self.path.rglob("*"), reverse=True):
            if file.is_file() and file not in known:
                file.unlink()
            elif file.is_dir() and not any(file.iterdir()):
                file.rmdir()


def chunk_name(name: str, number: int) -> str:
    """Return the name of a file of records."""
    return f"{name}/{number:05d}"


def script(name: str, value: object) -> bytes:
    """Return a data file: ASCII, the same bytes for the same value."""
    try:
        text = _encoder.encode(value)
    except ValueError:
        finite = _finite(json.loads(json.dumps(value, default=_fields_of)))
        text = _encoder.encode(finite)
    packed = base64.b64encode(
        gzip.compress(text.encode("utf-8", "replace"), compresslevel=6, mtime=0)
    )
    return b'receive(%s,"%s");\n' % (json.dumps(name).encode(), packed)


def write_if_changed(path: Path, data: bytes) -> None:
    """Write a file whole unless it holds the data already."""
    with suppress(FileNotFoundError):
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return
    with replacing(path) as partial:
        partial.write_bytes(data)


def _fields_of(value: object) -> dict[str, Any]:
    """Return the fields of a dataclass, for `json.dumps`, which asks for those inside itself."""
    # Not asdict, which copies everything that is inside and takes most of the time.
    kind = type(value)
    if kind not in _names:
        _names[kind] = tuple(field.name for field in fields(value))  # type: ignore[arg-type]
    return {name: getattr(value, name) for name in _names[kind]}


_names: dict[type, tuple[str, ...]] = {}


def _finite(value: Any) -> Any:
    """Return a value with null for each number that JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


_encoder = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_fields_of
)
