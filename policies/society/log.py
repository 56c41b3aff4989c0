"""The log of a simulation: every utterance, with a hash of what its agent was asked.

A log belongs to one society. `society.json` beside the log describes the society: its seed, its
rules, and hashes of its questions and priors. Each line of the log has a hash of the turn that it
answers. Both are compared before an answer of the log is used, so that no answer is recorded under
another question. Logs of earlier versions have neither; their finished interactions are compared
with the recorded ones instead.
"""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import Interaction, interaction_log
from social_sandbox.envs.rules.questions import Question
from social_sandbox.envs.rules.turns import Turn, Utterance
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.text.jsonl import JsonlLog, write_jsonl, write_whole

from .population import Cast

LOG, INTERACTIONS = "utterances.jsonl", "interactions.jsonl"
CAST, SOCIETY, SPOILT = "population.json", "society.json", "utterances.spoilt.jsonl"

_SHORT, _KNOWN = 40, 10_000
"""Characters of the utterances that share one object if they are equal, and most such objects."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the log.

    Attributes:
        world: Name of the world.
        turn: Id of the turn.
        utterance: The answer.
        asked: Hash of what the turn asked; empty in logs of earlier versions.
    """

    world: str
    turn: str
    utterance: Utterance
    asked: str = ""

    @classmethod
    def answer(cls, turn: Turn, utterance: Utterance) -> "Logged":
        """Return the line of an answer."""
        return cls(turn.world, turn.id, utterance, turn_hash(turn))


LOGGED = TypeAdapter(Logged)


def turn_hash(turn: Turn) -> str:
    """Return sixteen hexadecimal digits that stand for everything that a turn asks.

    The distance of a memory is left out: its last digits depend on the machine.
    """
    memory = turn.memory and (turn.memory.question, turn.memory.answer)
    opinions = [(each.peer, each.rating, each.reason) for each in turn.opinions]
    earlier = [(message.role, message.content) for message in turn.earlier]
    asked = (
        *(turn.agent, turn.subject, turn.phase.value, turn.question, turn.seed, turn.answer),
        *(opinions, memory, turn.aspect, turn.judged, turn.reason, turn.rating_scale, earlier),
    )
    return hashlib.blake2b(json.dumps(asked).encode(), digest_size=8).hexdigest()


def utterance_log(folder: Path) -> JsonlLog[Logged]:
    """Return the log in the folder of a simulation."""
    return JsonlLog(folder / LOG, LOGGED, "log")


def resume(worlds: Sequence[World], cast: Cast, folder: Path) -> list[Interaction]:
    """Bring new worlds to the end of the log in a folder.

    Two processes of an earlier version may have written into one log, so that turns are answered
    twice. Of these answers the first one that fits is kept, and the log as it was becomes
    `utterances.spoilt.jsonl`.

    Returns:
        The finished interactions.

    Raises:
        UserError: The log is of other worlds, seeds, rules, questions, priors or players, or it
            cannot be repaired.
    """
    log = utterance_log(folder)
    lines = _checked_lines(worlds, cast, log)
    first = next(lines, None)
    if first is None:
        return []
    finished, spoilt_at = _replay(worlds, chain([first], lines), log.path)
    kept: list[Logged] = []
    if spoilt_at:
        kept, finished = _repair(worlds, log, spoilt_at, finished)
    if not read_recorded(folder / SOCIETY):
        _check_interactions(finished, folder, log.path)
    if spoilt_at:
        (folder / SPOILT).write_bytes(log.path.read_bytes())
        before = sum(1 for _ in log.numbered())
        write_jsonl(log.path, kept, LOGGED)
        _logger.warning(
            "log: two processes have written into %s: of %d answers, %d that fit are kept; the log "
            "as it was is %s",
            *(log.path, before, len(kept), SPOILT),
        )
    return finished


def _checked_lines(
    worlds: Sequence[World], cast: Cast, log: JsonlLog[Logged]
) -> Iterator[tuple[int, Logged]]:
    """Yield the lines of a log with their numbers, after checks that it is these worlds' log.

    The lines are read one by one: a log may be larger than the memory.
    """
    names, seen = {world.name for world in worlds}, set[str]()
    for number, line in log.numbered():
        if not seen:
            check_society(read_recorded(log.path.parent / SOCIETY), worlds, log.path)
            players = read_recorded(log.path.parent / CAST)
        if line.world not in seen:
            if line.world not in names:
                unknown = {line.world for _, line in log.numbered()} - names
                raise UserError(f"log: {log.path} is of other worlds: {', '.join(sorted(unknown))}")
            seen.add(line.world)
            check_players([line], players, cast, log.path)
        yield number, line


def write_society(worlds: Sequence[World], cast: Cast, folder: Path) -> None:
    """Record whose log this folder holds: the societies, and the policy of each agent."""
    described = {world.name: _description(world) for world in worlds}
    for name, value in ((SOCIETY, described), (CAST, _names(cast))):
        write_whole(folder / name, json.dumps(value, indent=1) + "\n")


def check_society(society: Any, worlds: Sequence[World], path: Path) -> None:
    """Raise UserError if the recorded societies of a log differ from those of the worlds."""
    for world in worlds:
        now = _description(world)
        # A rule that an earlier version did not know had its default.
        differing = [
            f"{name}: {then}, now {now[name]}"
            for name, then in dict((society or {}).get(world.name, {})).items()
            if name in now and now[name] != then
        ]
        if differing:
            raise UserError(
                f"log: {path} is of another society ({', '.join(differing[:3])}); choose another "
                "folder"
            )


def check_players(lines: Sequence[Logged], before: Any, cast: Cast, path: Path) -> None:
    """Raise UserError if an agent of a log had another player than now."""
    names = _names(cast)
    for world in dict.fromkeys(line.world for line in lines):
        for agent, then in dict((before or {}).get(world, {})).items():
            now = names[world].get(agent, then)
            if now != then:
                raise UserError(
                    f"log: {path} is of another population ({agent} of {world} was played by "
                    f"{then}, now by {now}); choose another folder"
                )


def _replay(
    worlds: Sequence[World], lines: Iterable[tuple[int, Logged]], path: Path
) -> tuple[list[Interaction], int]:
    """Submit the answers of a log, up to the first one to a turn that has an answer already.

    Returns:
        The interactions that this has finished, and the number of the line that answers a turn
        again; 0 if there is none.
    """
    by_name = {world.name: world for world in worlds}
    finished: list[Interaction] = []
    # Most ratings have no reason, so that a few utterances stand for nearly all of them.
    known: dict[Utterance, Utterance] = {}
    for number, line in lines:
        said = line.utterance
        if len(said.text) < _SHORT and len(known) < _KNOWN:
            line = Logged(line.world, line.turn, known.setdefault(said, said), line.asked)
        try:
            interaction = _submit(by_name[line.world], line)
        except ValueError as error:
            if _is_spoilt(path):
                return finished, number
            raise _of_another_society(path, number, error) from error
        if interaction:
            finished.append(interaction)
    return finished, 0


def _repair(
    worlds: Sequence[World], log: JsonlLog[Logged], spoilt_at: int, finished: list[Interaction]
) -> tuple[list[Logged], list[Interaction]]:
    """Submit the rest of a log into which two processes have written; see `resume`.

    Returns:
        The lines that were kept, and all finished interactions.
    """
    answers: dict[tuple[str, str], Logged] = {}
    for _, line in log.numbered():
        first = answers.setdefault((line.world, line.turn), line)
        if (
            first is not line
            and not line.asked
            and not same_answer(first.utterance, line.utterance)
        ):
            raise UserError(
                f"log: two processes have written into {log.path}, and their answers differ (turn "
                f"{line.turn} of {line.world}); choose another folder"
            )
    by_name = {world.name: world for world in worlds}
    kept, finished = [], list(finished)
    for number, line in log.numbered():
        if number >= spoilt_at:
            try:
                interaction = _submit(by_name[line.world], line)
            except ValueError:
                continue
            if interaction:
                finished.append(interaction)
        kept.append(line)
    return kept, finished


def _submit(world: World, line: Logged) -> Interaction | None:
    """Submit an answer of a log, and return the interaction that it finishes.

    Raises:
        ValueError: The turn is not pending, or asks something else than the log says.
    """
    if line.asked and line.asked != turn_hash(world.turn(line.turn)):
        raise ValueError(f"turn {line.turn!r} of {line.world} asks something else")
    return world.submit(line.turn, line.utterance)


def _is_spoilt(path: Path) -> bool:
    """Return whether a log answers a turn twice."""
    seen: set[tuple[str, str]] = set()
    for line in utterance_log(path.parent).read():
        if (line.world, line.turn) in seen:
            return True
        seen.add((line.world, line.turn))
    return False


def _of_another_society(path: Path, number: int, error: ValueError) -> UserError:
    return UserError(
        f"log: {path}, line {number}, is of another society: {error}; choose another folder"
    )


def same_answer(first: Utterance, second: Utterance) -> bool:
    """Return whether two utterances say the same, whatever they have cost."""
    return (first.text, first.rating, first.error) == (second.text, second.rating, second.error)


def _check_interactions(finished: Sequence[Interaction], folder: Path, path: Path) -> None:
    """Compare what the log of an earlier version gives with the interactions that it recorded."""
    recorded: dict[str, Interaction] = {}
    # A damaged file cannot be compared, and is written again.
    with suppress(UserError):
        recorded = {each.id: each for each in interaction_log(folder / INTERACTIONS).read()}
    for interaction in finished:
        before = recorded.get(interaction.id)
        if before and (before.question, before.seed) != (interaction.question, interaction.seed):
            raise UserError(
                f"log: {path} is of another society: {interaction.id} answers {before.question!r}, "
                f"not {interaction.question!r}; choose another folder"
            )


def _description(world: World) -> dict[str, Any]:
    rules = world.config.recorded()
    # More rounds continue a society, and fewer are noticed at the first turn too many.
    del rules["n_rounds"]
    return {
        "seed": world.seed,
        **{f"env.{name}": value for name, value in rules.items()},
        "questions": _questions_hash(world.questions),
        "priors": _questions_hash(world.priors),
    }


def _questions_hash(questions: Sequence[Question]) -> str:
    texts = [[each.text, each.kind, each.good, each.bad] for each in questions]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


def _names(cast: Cast) -> dict[str, dict[str, str]]:
    worlds: dict[str, dict[str, str]] = defaultdict(dict)
    for (world, agent), policy in cast.items():
        worlds[world][agent] = policy.name
    return worlds


def read_recorded(path: Path) -> Any:
    """Return what a JSON file holds; None if there is no such file.

    Raises:
        UserError: The file is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    except ValueError as error:
        raise UserError(f"log: {path} is damaged; remove it to go on without its check") from error
