"""The folder of one world under way: a log of each attempt, and at the end the sealed world.

    attempt-1/utterances.jsonl    what the first attempt was answered
    attempt-1/interactions.jsonl  what is finished, for those who watch
    attempt-2/utterances.jsonl    what the second one was answered, beyond the first
    finished-SHA256/              utterances.jsonl, interactions.jsonl and whose they are

An attempt writes files of its own, so that one which was given up for lost and lives on never
shares a file with its successor. A later attempt replays what the earlier ones were answered. Two
answers to one turn must say the same. A finished world gets its name by one rename, so that it is
there whole or not at all; the name holds the SHA-256 of its two logs, one behind the other.
"""

import errno
import hashlib
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import Interaction, write_interactions
from social_sandbox.envs.rules.turns import Phase
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.text.jsonl import JsonlLog, write_jsonl

from ..log import (
    CAST,
    INTERACTIONS,
    LOG,
    LOGGED,
    SOCIETY,
    Logged,
    check_players,
    check_society,
    read_recorded,
    same_answer,
    turn_hash,
    utterance_log,
    write_society,
)
from ..population import Cast

FINISHED = "finished-"
_ATTEMPT = "attempt-"
_PHASES = {phase.value: place for place, phase in enumerate(Phase)}
_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Finished:
    """A sealed world: its folder, and the SHA-256 that the folder's name holds."""

    folder: Path
    sha256: str


def attempts(folder: Path) -> list[Path]:
    """Return the folders of a world's attempts, oldest first."""
    found = [path for path in folder.glob(f"{_ATTEMPT}*") if path.is_dir()]
    return sorted(found, key=lambda path: natural(path.name))


def new_attempt(folder: Path) -> Path:
    """Make the folder of a new attempt, whose number nobody else has."""
    folder.mkdir(parents=True, exist_ok=True)
    number = len(attempts(folder)) + 1
    while True:
        path = folder / f"{_ATTEMPT}{number}"
        with suppress(FileExistsError):
            path.mkdir()
            return path
        number += 1


def answers(folder: Path) -> dict[str, Logged]:
    """Return what all attempts of a world were answered, by turn.

    Raises:
        UserError: Two answers to one turn differ, or a log is damaged.
    """
    found: dict[str, Logged] = {}
    where: dict[str, Path] = {}
    for attempt in attempts(folder):
        log = utterance_log(attempt)
        for line in log.read():
            first = found.setdefault(line.turn, line)
            where.setdefault(line.turn, log.path)
            if first is line:
                continue
            if first.asked != line.asked or not same_answer(first.utterance, line.utterance):
                raise UserError(
                    f"simulation: turn {line.turn} of {line.world} has different answers in "
                    f"{where[line.turn]} and in {log.path}; remove the folder of one of the two "
                    "attempts to go on without what it says"
                )
    return found


def replay(world: World, cast: Cast, folder: Path) -> list[Interaction]:
    """Bring a new world to the point at which its attempts have left it.

    Returns:
        The interactions that are finished.

    Raises:
        UserError: The attempts are of another world or of other players, or contradict each other.
    """
    found = answers(folder)
    for attempt in attempts(folder):
        check_society(read_recorded(attempt / SOCIETY), [world], attempt / LOG)
        lines = list(found.values())[:1]
        check_players(lines, read_recorded(attempt / CAST), cast, attempt / LOG)
    finished = []
    # What opens a turn stands before it in this order, whichever attempt was answered first.
    for line in sorted(found.values(), key=lambda line: place(line.turn)):
        try:
            if line.asked and line.asked != turn_hash(world.turn(line.turn)):
                raise ValueError(f"turn {line.turn!r} of {line.world} asks something else")
            interaction = world.submit(line.turn, line.utterance)
        except ValueError as error:
            raise UserError(
                f"simulation: {folder} is of another society: {error}; choose another output_dir"
            ) from error
        if interaction:
            finished.append(interaction)
    return finished


def begin(world: World, cast: Cast, folder: Path) -> JsonlLog[Logged]:
    """Begin an attempt: write whose log it is, and return the log."""
    attempt = new_attempt(folder)
    write_society([world], cast, attempt)
    return utterance_log(attempt)


def seal(world: World, cast: Cast, folder: Path) -> Finished:
    """Write the logs of a world that is done, and give their folder its name by one rename.

    Raises:
        UserError: The world was sealed before with other utterances.
    """
    lines = answers(folder)
    part = folder / f"sealing-{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        write_jsonl(part / LOG, sorted(lines.values(), key=lambda line: place(line.turn)), LOGGED)
        write_interactions(
            part / INTERACTIONS,
            sorted(world.interactions, key=lambda each: (each.round, each.position)),
        )
        write_society([world], cast, part)
        for path in part.iterdir():
            _to_disk(path)
        try:
            part.rename(folder / f"{FINISHED}{digest(part)}")
        except OSError as error:
            # An equal world may be sealed already.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    made = finished(folder)
    assert made is not None, "a world was not sealed"
    return made


def finished(folder: Path) -> Finished | None:
    """Return the sealed world in a folder; None while the world is under way.

    Raises:
        UserError: The world was sealed twice with different logs.
    """
    sealed = sorted(folder.glob(f"{FINISHED}*"))
    if len(sealed) > 1:
        raise UserError(
            f"simulation: {folder} holds two finished worlds that differ, {sealed[0].name} and "
            f"{sealed[1].name}: remove one of the two folders"
        )
    return Finished(sealed[0], sealed[0].name.removeprefix(FINISHED)) if sealed else None


def check_sealed(world: Finished) -> None:
    """Raise UserError if the logs of a sealed world are not those that were sealed."""
    try:
        now = digest(world.folder)
    except OSError as error:
        raise UserError(f"simulation: cannot read {error.filename}: {error.strerror}") from error
    if now != world.sha256:
        raise UserError(
            f"simulation: {world.folder} was changed after it was sealed: its SHA-256 is {now}; "
            "remove it, and the same command plays what is missing again from the attempts"
        )


def digest(folder: Path) -> str:
    """Return the SHA-256 of the utterances and, behind them, the interactions of a world."""
    sum = hashlib.sha256()
    for name in (LOG, INTERACTIONS):
        with (folder / name).open("rb") as file:
            while block := file.read(1 << 20):
                sum.update(block)
    return sum.hexdigest()


def place(turn: str) -> tuple[int, tuple[tuple[int, str], ...], int, str]:
    """Return the place of a turn in the log of its world, from the turn's id.

    Rounds come one after the other, in a round the subjects, and of a subject the phases.
    """
    round, subject, phase, *_ = [*turn.split("/"), "", ""]
    return int(round), natural(subject), _PHASES.get(phase, len(_PHASES)), turn


@lru_cache(2**16)
def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts names as people count: world_2 before world_10."""
    parts = _NUMBER.split(name)
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
