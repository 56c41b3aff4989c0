"""The logs of many worlds as those of one simulation, in one order whoever played them.

The utterances of a world stand together, world after world as people count them; interactions are
sorted by round, world and position, as in every simulation. Logs are copied line by line: memory
holds where the lines of each world and round stand, and no more.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.jsonl import replacing, write_whole

from ..log import CAST, INTERACTIONS, LOG, LOGGED, SOCIETY, read_recorded
from .world_folder import answers, attempts, check_sealed, finished, natural, place

WORLDS, SUMS = "worlds", "worlds.json"
"""The folder of worlds under way, and the file with the SHA-256 of every finished world."""

Key = TypeVar("Key", bound=Hashable)
Span = tuple[int, int]
"""Where some whole lines begin and end in a file, in bytes."""

_ROUND = re.compile(rb'"seed": ?-?\d+, ?"round": ?(\d+),')
_TURN = re.compile(rb'"turn": ?("(?:[^"\\]|\\.)*")')
_WORLD = re.compile(rb'"world": ?("(?:[^"\\]|\\.)*")')


def merge_worlds(folder: Path, names: Iterable[str]) -> None:
    """Write the logs of a simulation from those of its sealed worlds, and remove the latter.

    Args:
        folder: The folder of the simulation.
        names: Names of all its worlds.

    Raises:
        UserError: A world is not finished, or was changed since.
    """
    sources, sums = [], {}
    for name in names:
        world = finished(folder / WORLDS / name)
        if world is None:
            raise UserError(f"simulation: {name} of {folder} is not finished")
        check_sealed(world)
        sources.append(world.folder)
        sums[name] = world.sha256
    _join(sources, folder)
    _write_sums(folder, sums)
    shutil.rmtree(folder / WORLDS)


def merge_shards(sources: Sequence[Path], folder: Path) -> None:
    """Write the logs of a simulation from the simulations of its shards, which stay as they are.

    Raises:
        UserError: The logs of a shard are not those with which it was finished.
    """
    sums: dict[str, str] = {}
    for source in sources:
        recorded, now = read_recorded(source / SUMS) or {}, world_sums(source)
        differing = [name for name in {**recorded, **now} if recorded.get(name) != now.get(name)]
        if differing:
            raise UserError(
                f"merge: {differing[0]} of {source} was changed since its shard was finished: its "
                f"SHA-256 is {now.get(differing[0])}, and was {recorded.get(differing[0])}"
            )
        sums |= now
    _join(sources, folder)
    _write_sums(folder, sums)


def world_sums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the two logs of every world, from the logs of a whole simulation."""
    sums: dict[str, Any] = {}
    for path in (folder / LOG, folder / INTERACTIONS):
        if not path.exists():
            raise UserError(f"merge: {path} is missing")
        with path.open("rb") as lines:
            for line in lines:
                sums.setdefault(_world(line, path), hashlib.sha256()).update(line)
    return {name: sum.hexdigest() for name, sum in sums.items()}


def sort_log(path: Path) -> None:
    """Bring a whole log into the order of this module, whoever was answered first."""
    if _is_sorted(path):
        return

    def part(line: bytes, path: Path) -> tuple[tuple[tuple[int, str], ...], int]:
        return _natural_world(line, path), place(_turn(line, path))[0]

    def lines() -> Iterator[bytes]:
        # Round after round, so that memory holds no more than the lines of one.
        for _, spans in sorted(_spans(path, part).items()):
            text = b"".join(_lines(path, spans))
            yield from sorted(
                text.splitlines(keepends=True), key=lambda line: place(_turn(line, path))
            )

    _write_bytes(path, lines())


def _is_sorted(path: Path) -> bool:
    """Return whether the lines of a log are whole and in order; the first that is not says no."""
    before: Any = ()
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return False
            now = (_natural_world(line, path), place(_turn(line, path)))
            if now < before:
                return False
            before = now
    return True


def part_worlds(folder: Path) -> None:
    """Give each world of a simulation's log a folder of its own, so that workers can go on."""
    for name, spans in _spans(folder / LOG, _world).items():
        world = folder / WORLDS / name
        if finished(world) is None:
            _write_bytes(world / "attempt-0" / LOG, _lines(folder / LOG, spans))


def gather_worlds(folder: Path) -> None:
    """Write what workers have left as one log, so that a single process can go on.

    Raises:
        UserError: Two attempts of a world contradict each other.
    """
    if not (folder / WORLDS).is_dir():
        return
    worlds = {path.name: path for path in (folder / WORLDS).iterdir() if path.is_dir()}
    earlier = _spans(folder / LOG, _world)

    def lines() -> Iterator[bytes]:
        for name in sorted({*worlds, *earlier}, key=natural):
            known = answers(worlds[name]) if name in worlds else {}
            if name in worlds and (sealed := finished(worlds[name])):
                yield from _whole(sealed.folder / LOG)
            elif known:
                # What was parted from an earlier log is the first attempt.
                for line in sorted(known.values(), key=lambda line: place(line.turn)):
                    yield LOGGED.dump_json(line) + b"\n"
            else:
                yield from _lines(folder / LOG, earlier.get(name, []))

    _write_bytes(folder / LOG, lines())
    tries = [each for path in worlds.values() for each in (*attempts(path), *path.glob("f*-*"))]
    _write_descriptions([folder, *tries], folder)
    shutil.rmtree(folder / WORLDS)


def _join(sources: Sequence[Path], folder: Path) -> None:
    """Write the four files of a simulation from folders that hold those of some of its worlds."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, key in ((LOG, _natural_world), (INTERACTIONS, _round_and_world)):
        parts = [
            (at, source / file, spans)
            for source in sources
            for at, spans in _spans(source / file, key).items()
        ]
        parts.sort(key=lambda part: part[0])
        _write_bytes(
            folder / file, (line for _, path, spans in parts for line in _lines(path, spans))
        )
    _write_descriptions(sources, folder)


def _write_descriptions(sources: Iterable[Path], folder: Path) -> None:
    described: dict[str, dict[str, Any]] = {SOCIETY: {}, CAST: {}}
    for source in sources:
        for file, worlds in described.items():
            worlds.update(read_recorded(source / file) or {})
    for file, worlds in described.items():
        write_whole(folder / file, _json(worlds))


def _write_sums(folder: Path, sums: Mapping[str, str]) -> None:
    write_whole(folder / SUMS, _json(sums))


def _json(by_world: Mapping[str, Any]) -> str:
    names = sorted(by_world, key=natural)
    return json.dumps({name: by_world[name] for name in names}, indent=1) + "\n"


def _world(line: bytes, path: Path) -> str:
    match = _WORLD.search(line)
    if match is None:
        raise UserError(f"simulation: {path} holds a line that names no world")
    return _text(match[1])


def _turn(line: bytes, path: Path) -> str:
    match = _TURN.search(line)
    if match is None:
        raise UserError(f"log: {path} holds a line that names no turn")
    return _text(match[1])


def _text(written: bytes) -> str:
    """Return what a text of JSON says; nearly all of them are written as they are."""
    return str(json.loads(written)) if b"\\" in written else written[1:-1].decode()


def _natural_world(line: bytes, path: Path) -> tuple[tuple[int, str], ...]:
    return natural(_world(line, path))


def _round_and_world(line: bytes, path: Path) -> tuple[int, str]:
    match = _ROUND.search(line)
    if match is None:
        raise UserError(f"simulation: {path} holds a line that is no interaction")
    return int(match[1]), _world(line, path)


def _spans(path: Path, key: Callable[[bytes, Path], Key]) -> dict[Key, list[Span]]:
    """Return where the whole lines of each key stand in a file; none where there is no file."""
    spans: dict[Key, list[Span]] = {}
    start = 0
    for line in _whole(path):
        end = start + len(line)
        found = spans.setdefault(key(line, path), [])
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
        start = end
    return spans


def _whole(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, without a torn one at its end."""
    if path.exists():
        with path.open("rb") as lines:
            yield from (line for line in lines if line.endswith(b"\n"))


def _lines(path: Path, spans: Iterable[Span]) -> Iterator[bytes]:
    for start, end in spans:
        with path.open("rb") as file:
            file.seek(start)
            while start < end and (block := file.read(min(1 << 20, end - start))):
                yield block
                start += len(block)


def _write_bytes(path: Path, parts: Iterable[bytes]) -> None:
    with replacing(path) as partial, partial.open("wb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
