"""Groups that stay in their file, and parts of sequences that are made when they are read."""

import os
import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.file_kinds import HEAD, wrong_kind
from social_sandbox.envs.text.jsonl import first_problem, without_lone_surrogates

from ..groups import RatedGroup, read_groups

IN_MEMORY = 2**25
"""Bytes of a file up to which its groups are kept in memory, where they take several times that."""

_BLOCK = 2**22
_adapter: TypeAdapter[RatedGroup] = TypeAdapter(RatedGroup)
Value = TypeVar("Value")
Source = TypeVar("Source")


def open_groups(path: str | Path) -> Sequence[RatedGroup]:
    """Return the groups of a file; those of a large file are read from it whenever they are used.

    A large file has to be plain UTF-8 for that; others are read whole.

    Raises:
        UserError: The file cannot be read; for a file that is read now, a line is no group.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise UserError(f"groups: cannot read {path}: {error.strerror}") from error
    if size <= IN_MEMORY or not head.startswith(b"{") or wrong_kind(head):
        return read_groups(path)
    return StoredGroups(path)


class Lazy(Sequence[Value]):
    """A sequence whose values are made when they are read, by their places from 0."""

    @abstractmethod
    def read(self, place: int) -> Value:
        """Return the value at a place; 0 <= place < len(self)."""

    @overload
    def __getitem__(self, number: int) -> Value: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Value]: ...
    def __getitem__(self, number: int | slice) -> Value | Sequence[Value]:
        if isinstance(number, slice):
            return Part(self, np.arange(len(self))[number])
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        return self.read(number % len(self))


class StoredGroups(Lazy[RatedGroup]):
    """The groups of a file with one group a line; 8 bytes of memory for each."""

    def __init__(self, path: Path) -> None:
        """Find the lines of a file, which has to stay as it is."""
        self.path = path
        self._starts = _line_starts(path)
        self._file: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self._starts) - 1

    def read(self, place: int) -> RatedGroup:
        """Return a group.

        Raises:
            UserError: The line is no group; names file and line.
        """
        start, end = int(self._starts[place]), int(self._starts[place + 1])
        line = os.pread(self._descriptor(), end - start, start)
        try:
            return _adapter.validate_json(without_lone_surrogates(line.decode()))
        except (ValidationError, UnicodeDecodeError) as error:
            why = first_problem(error) if isinstance(error, ValidationError) else "not UTF-8 text"
            raise UserError(f"groups: {self.path}, line {self._line(start)}: {why}") from error

    def __getstate__(self) -> dict[str, Any]:
        # Another process opens the file for itself.
        return {**self.__dict__, "_file": None}

    def _descriptor(self) -> int:
        if self._file is None or self._file[0] != os.getpid():
            descriptor = os.open(self.path, os.O_RDONLY)
            weakref.finalize(self, os.close, descriptor)
            self._file = (os.getpid(), descriptor)
        return self._file[1]

    def _line(self, start: int) -> int:
        """Return the number of the line that begins at a byte."""
        count = 1
        with self.path.open("rb") as file:
            while start > 0 and (block := file.read(min(start, _BLOCK))):
                count += block.count(b"\n")
                start -= len(block)
        return count


class Part(Lazy[Value]):
    """Values of another sequence by their places in it; 8 bytes of memory for each."""

    def __init__(self, whole: Sequence[Value], places: npt.NDArray[np.int64]) -> None:
        """`places`: (values,) indices into `whole`."""
        self.whole, self.places = whole, places

    def __len__(self) -> int:
        return len(self.places)

    def read(self, place: int) -> Value:
        """Return the value of the other sequence."""
        return self.whole[int(self.places[place])]


class Made(Lazy[Value]):
    """Values that a function makes of another sequence: of each of its values one or several."""

    def __init__(
        self, whole: Sequence[Any], make: Callable[[Any], Sequence[Value]], counts: Iterable[int]
    ) -> None:
        """Take the function and how many values it makes of each of `whole`."""
        self.whole, self.make = whole, make
        of_each = np.fromiter(counts, dtype=np.int64)
        self._owners = np.repeat(np.arange(len(of_each)), of_each)
        self._firsts = np.cumsum(of_each) - of_each

    def __len__(self) -> int:
        return len(self._owners)

    def read(self, place: int) -> Value:
        """Make the values of the place's owner, and return the one at the place."""
        owner = int(self._owners[place])
        return self.make(self.whole[owner])[place - int(self._firsts[owner])]

    def __iter__(self) -> Iterator[Value]:
        for value in self.whole:
            yield from self.make(value)


class Joined(Lazy[Value]):
    """The values of one sequence and behind them those of another."""

    def __init__(self, first: Sequence[Value], second: Sequence[Value]) -> None:
        """Take the two sequences."""
        self.first, self.second = first, second

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def read(self, place: int) -> Value:
        """Return the value of the sequence that the place is in."""
        if place < len(self.first):
            return self.first[place]
        return self.second[place - len(self.first)]

    def __iter__(self) -> Iterator[Value]:
        yield from self.first
        yield from self.second


def made_of(
    sources: Sequence[Source], make: Callable[[Source], Sequence[Value]]
) -> tuple[Sequence[Value], Sequence[Source]]:
    """Return what a function makes of groups or parts, and those of which it makes anything.

    Of sources in a list, both are lists. Of others, each value is made whenever it is read.
    """
    if isinstance(sources, list):
        of_each = [(source, make(source)) for source in sources]
        values = [value for _, of_source in of_each for value in of_source]
        return values, [source for source, of_source in of_each if of_source]
    counts = np.fromiter((len(make(source)) for source in sources), dtype=np.int64)
    places = np.flatnonzero(counts)
    used = Part(sources, places)
    return Made(used, make, counts[places]), used


def _line_starts(path: Path) -> npt.NDArray[np.int64]:
    """Return where each line that is not blank begins, and where the last one ends."""
    starts: list[npt.NDArray[np.int64]] = [np.zeros(1, dtype=np.int64)]
    at = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n"))
            starts.append(ends + (at + 1))
            at += len(block)
    found = np.concatenate(starts)
    if found[-1] != at:
        found = np.append(found, at)
    return found
