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
from typing import Any

from pydantic import TypeAdapter

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import Interaction, interaction_log, write_interactions
from social_sandbox.envs.jsonl import JsonlLog
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


_LOGGED = TypeAdapter(_Logged)


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
    log = JsonlLog(folder / LOG, _LOGGED, "log")
    replayed = _replay(worlds, log)
    if not all(world.done for world in worlds):
        _check(cast)
    _write_cast(folder / CAST, cast)
    write_interactions(folder / INTERACTIONS, replayed)
    interactions = interaction_log(folder / INTERACTIONS)

    def write_utterances(said: Sequence[tuple[Turn, Utterance]]) -> None:
        log.append(_Logged(turn.world, turn.id, utterance) for turn, utterance in said)

    def write_interaction(done: Interaction, account: Account) -> None:
        interactions.append([done])
        if on_interaction:
            on_interaction(done, account)

    rollout(
        worlds,
        population,
        on_utterances=write_utterances,
        on_interaction=write_interaction,
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


def _replay(worlds: Sequence[World], log: JsonlLog[_Logged]) -> list[Interaction]:
    # The turn of a torn last line is played again.
    logs: dict[str, list[tuple[str, Utterance]]] = defaultdict(list)
    for line in log.read():
        logs[line.world].append((line.turn, line.utterance))
    strangers = set(logs) - {world.name for world in worlds}
    if strangers:
        raise UserError(f"log: {log.path} is of other worlds: {', '.join(sorted(strangers))}")
    finished = []
    for world in worlds:
        try:
            finished += world.replay(logs[world.name])
        except ValueError as error:
            raise UserError(f"log: {log.path} is of another society: {error}") from error
    return finished
