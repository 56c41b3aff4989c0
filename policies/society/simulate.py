"""A simulation on disk: every utterance is written before the worlds hear it.

A folder holds `utterances.jsonl`, the log, which is the state, `interactions.jsonl`, which
follows from it, and `population.json`, who plays whom. Whoever is killed in the middle goes on
where the log ends.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pydantic import TypeAdapter

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import Interaction, to_json, write_interactions
from social_sandbox.envs.jsonl import read_jsonl
from social_sandbox.envs.turns import Turn, Utterance
from social_sandbox.envs.world import World

from .account import Account, Budget
from .population import Cast, Population, as_population
from .rollout import OnInteraction, rollout

LOG, INTERACTIONS, CAST = "utterances.jsonl", "interactions.jsonl", "population.json"


@dataclass(frozen=True, slots=True)
class _Logged:
    """A line of the log."""

    world: str
    turn: str
    utterance: Utterance


_adapter = TypeAdapter(_Logged)


def simulate(
    worlds: Sequence[World],
    population: Population | Any,
    folder: Path,
    *,
    on_interaction: OnInteraction | None = None,
    budget: Budget | None = None,
    progress: bool = False,
) -> list[Interaction]:
    """Play worlds to their end, or on from where an earlier call in this folder was stopped.

    `on_interaction`, `budget` and `progress` are those of `rollout`.
    Returns all interactions, sorted as in the file. Raises UserError when the folder's log is
    of other worlds than these, and BudgetReached when the budget, over all calls, is spent.
    """
    cast = as_population(population).cast(worlds)
    folder.mkdir(parents=True, exist_ok=True)
    replayed = _replay(worlds, folder / LOG)
    if not all(world.done for world in worlds):
        _check(cast)
    _write_cast(folder / CAST, cast)
    write_interactions(folder / INTERACTIONS, replayed)
    with (
        (folder / LOG).open("a", encoding="utf-8") as log,
        (folder / INTERACTIONS).open("a", encoding="utf-8") as interactions,
    ):

        def finish(done: Interaction, account: Account) -> None:
            _line(interactions, to_json(done))
            if on_interaction:
                on_interaction(done, account)

        rollout(
            worlds,
            population,
            on_utterances=lambda said: _append(log, said),
            on_interaction=finish,
            budget=budget,
            progress=progress,
        )
    finished = sorted(
        (done for world in worlds for done in world.interactions),
        key=lambda done: (done.round, done.world, done.position),
    )
    # The same society gives the same file, whatever the order in which its agents answered.
    write_interactions(folder / INTERACTIONS, finished)
    return finished


def _check(cast: Cast) -> None:
    """Let those who can say so at once say that they cannot play."""
    for policy in {id(policy): policy for policy in cast.values()}.values():
        check = getattr(policy, "check", None)
        if callable(check):
            check()


def _write_cast(path: Path, cast: Cast) -> None:
    worlds: dict[str, dict[str, str]] = defaultdict(dict)
    for (world, agent), policy in cast.items():
        worlds[world][agent] = policy.name
    path.write_text(json.dumps(worlds, indent=1) + "\n", encoding="utf-8")


def _append(log: TextIO, said: Sequence[tuple[Turn, Utterance]]) -> None:
    for turn, utterance in said:
        log.write(_adapter.dump_json(_Logged(turn.world, turn.id, utterance)).decode() + "\n")
    log.flush()


def _line(file: TextIO, text: str) -> None:
    file.write(text + "\n")
    file.flush()


def _replay(worlds: Sequence[World], path: Path) -> list[Interaction]:
    if not path.exists():
        return []
    _drop_half_written_line(path)
    logs: dict[str, list[tuple[str, Utterance]]] = defaultdict(list)
    for line in read_jsonl(path, _adapter, "log"):
        logs[line.world].append((line.turn, line.utterance))
    strangers = set(logs) - {world.name for world in worlds}
    if strangers:
        raise UserError(f"log: {path} is of other worlds: {', '.join(sorted(strangers))}")
    finished = []
    for world in worlds:
        try:
            finished += world.replay(logs[world.name])
        except ValueError as error:
            raise UserError(f"log: {path} is of another society: {error}") from error
    return finished


def _drop_half_written_line(path: Path) -> None:
    """A kill can leave a last line without its end; its turn is simply played again."""
    with path.open("rb+") as file:
        text = file.read()
        whole = text.rfind(b"\n") + 1
        if whole < len(text):
            file.truncate(whole)
