"""Data that waits outside of memory until all of it is there, to be sorted or put together.

What is kept goes to a database of SQLite in a file without a name, which the operating system
removes with the process. SQLite holds up to `CACHE` bytes of each database in memory, so that a
small one never reaches the disk. The file is in the folder that TMPDIR names, or else in /var/tmp.
"""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from social_sandbox.envs.errors import UserError

from ..groups import RatedGroup
from . import stored
from .stored import Lazy

CACHE = 2**25
"""Bytes of each database that may be in memory."""

_adapter: TypeAdapter[RatedGroup] = TypeAdapter(RatedGroup)


@contextmanager
def room_on_disk(what: str) -> Iterator[None]:
    """Turn errors of the databases into a UserError that begins with `what`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UserError(
            f"{what}: cannot keep data in the folder for temporary files ({error}); name one with "
            "more room in the variable TMPDIR"
        ) from error


class Distinct:
    """Contents that are told apart by sixteen bytes of their hashes."""

    def __init__(self) -> None:
        """Begin without contents."""
        self._base = _database("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, content: bytes) -> bool:
        """Remember a content, and return whether it is new."""
        row = (_digest(content),)
        return self._base.execute("INSERT OR IGNORE INTO seen VALUES (?)", row).rowcount > 0


def ranks(texts: Iterable[str]) -> npt.NDArray[np.int64]:
    """Return the place of each text among the sorted different texts; shape (texts,)."""
    base = _database("CREATE TABLE texts (number INTEGER PRIMARY KEY, text BLOB)")
    # The order of UTF-8 bytes is that of characters.
    base.executemany("INSERT INTO texts (text) VALUES (?)", ((t.encode(),) for t in texts))
    rows = base.execute(
        "SELECT rank - 1 FROM (SELECT number, dense_rank() OVER (ORDER BY text) AS rank FROM texts)"
        " ORDER BY number"
    )
    return np.fromiter((rank for (rank,) in rows), dtype=np.int64)


class Bundles:
    """Items that come in any order and belong together by name."""

    def __init__(self) -> None:
        """Begin without bundles."""
        self._base = _database(
            "CREATE TABLE bundles (number INTEGER PRIMARY KEY, digest BLOB UNIQUE, head BLOB)",
            "CREATE TABLE items (bundle INTEGER, item BLOB)",
        )

    def add(self, name: bytes, head: bytes, item: bytes = b"") -> bytes:
        """Add an item to the bundle of a name, and return the bundle's head.

        Args:
            name: Name of the bundle.
            head: Head of the bundle, if this is its first item.
            item: The item.
        """
        digest = _digest(name)
        self._base.execute(
            "INSERT OR IGNORE INTO bundles (digest, head) VALUES (?, ?)", (digest, head)
        )
        number, first = self._base.execute(
            "SELECT number, head FROM bundles WHERE digest = ?", (digest,)
        ).fetchone()
        self._base.execute("INSERT INTO items VALUES (?, ?)", (number, item))
        return bytes(first)

    def __iter__(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """Yield head and items of each bundle, in the order in which they were added first."""
        rows = self._base.execute(
            "SELECT bundle, head, item FROM items JOIN bundles ON number = bundle "
            "ORDER BY bundle, items.rowid"
        )
        for _, of_bundle in groupby(rows, itemgetter(0)):
            both = [(head, item) for _, head, item in of_bundle]
            yield both[0][0], [item for _, item in both]


class Shelf:
    """Groups in piles, of which the first by rank are kept, all sorted by place."""

    def __init__(self) -> None:
        """Begin without groups."""
        self.sizes: Counter[int] = Counter()
        """Number of groups by pile."""
        self._bytes = 0
        self._base = _database(
            "CREATE TABLE groups (number INTEGER PRIMARY KEY, pile INTEGER, rank INTEGER, "
            "place INTEGER, line BLOB)"
        )

    def add(self, group: RatedGroup, *, pile: int, rank: int, place: int) -> None:
        """Put a group on a pile.

        Args:
            group: The group.
            pile: Number of the pile.
            rank: Groups with low ranks are kept first; of equal ones those that came first.
            place: Groups with low places come first; of equal ones those of low piles and ranks.
        """
        line = _adapter.dump_json(group)
        self._bytes += len(line)
        self.sizes[pile] += 1
        row = (pile, rank, place, line)
        self._base.execute("INSERT INTO groups (pile, rank, place, line) VALUES (?, ?, ?, ?)", row)

    def kept(self, most: Mapping[int, int]) -> Sequence[RatedGroup]:
        """Return groups by place: those of low rank of each pile.

        Args:
            most: Largest number of groups that are kept by pile; none of a pile that is missing.

        Returns:
            A list; or, of many groups, a sequence that reads each from the disk.
        """
        run = self._base.execute
        run("DROP TABLE IF EXISTS chosen")
        run("CREATE TABLE chosen (number INTEGER, pile INTEGER, rank INTEGER, place INTEGER)")
        for pile, count in most.items():
            run(
                "INSERT INTO chosen SELECT number, pile, rank, place FROM groups WHERE pile = ? "
                "ORDER BY rank, number LIMIT ?",
                (pile, count),
            )
        run("DROP TABLE IF EXISTS sorted")
        run("CREATE TABLE sorted AS SELECT number FROM chosen ORDER BY place, pile, rank, number")
        groups = ShelvedGroups(self._base)
        return list(groups) if self._bytes <= stored.IN_MEMORY else groups


class ShelvedGroups(Lazy[RatedGroup]):
    """Sorted groups, which are read whenever they are used."""

    def __init__(self, base: sqlite3.Connection) -> None:
        """Take the database of a `Shelf`."""
        self._base = base
        self._count = int(base.execute("SELECT count(*) FROM sorted").fetchone()[0])

    def __len__(self) -> int:
        return self._count

    def read(self, place: int) -> RatedGroup:
        """Return a group."""
        (line,) = self._base.execute(
            "SELECT line FROM sorted JOIN groups USING (number) WHERE sorted.rowid = ?",
            (place + 1,),
        ).fetchone()
        return _adapter.validate_json(line)

    def __iter__(self) -> Iterator[RatedGroup]:
        # Left to itself, SQLite could go through the groups and sort them again.
        lines = self._base.execute(
            "SELECT line FROM sorted CROSS JOIN groups USING (number) ORDER BY sorted.rowid"
        )
        for (line,) in lines:
            yield _adapter.validate_json(line)


def _database(*tables: str) -> sqlite3.Connection:
    """Return a database with tables in a nameless temporary file."""
    base = sqlite3.connect("", isolation_level=None)
    for command in (
        f"PRAGMA cache_size = {-CACHE // 1024}",
        "PRAGMA journal_mode = OFF",
        "PRAGMA synchronous = OFF",
        # One transaction, which never ends: nothing has to outlive the process.
        "BEGIN",
        *tables,
    ):
        base.execute(command)
    return base


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
