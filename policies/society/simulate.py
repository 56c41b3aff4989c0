"""A simulation with a folder, in which an interrupted simulation resumes.

The folder holds three files: `utterances.jsonl` is the log of all utterances and the state of the
simulation, `interactions.jsonl` follows from the log, and `population.json` names the policy of
each agent. An utterance is logged before it is submitted to its world, so that a simulation which
was killed resumes where its log ends.
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
from social_sandbox.envs.turns import Utterance
from social_sandbox.envs.world import World

from .account import Account, Budget
from .population import Cast, Population, as_population
from .rollout import Answers, OnInteraction, rollout

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
    """Play worlds to their end, or resume where an earlier call with this folder has stopped.

    Args:
        worlds: New worlds with different names.
        population: The policies of the agents, or one agent (see `as_policy`) who plays everybody.
        folder: The folder of the simulation.
        on_interaction: See `rollout`.
        budget: Limits of the simulation over all calls with this folder.
        progress: Whether to show a live progress bar.

    Returns:
        All interactions, sorted by round, world and position as in the file.

    Raises:
        UserError: The log in the folder belongs to other worlds, or a policy cannot play.
        BudgetReached: The budget is spent.
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

    def write_utterances(answers: Answers) -> None:
        log.append(_Logged(turn.world, turn.id, utterance) for turn, utterance in answers)

    def write_interaction(interaction: Interaction, account: Account) -> None:
        interactions.append([interaction])
        if on_interaction:
            on_interaction(interaction, account)

    rollout(
        worlds,
        population,
        on_utterances=write_utterances,
        on_interaction=write_interaction,
        budget=budget,
        progress=progress,
    )
    finished = sorted(
        (interaction for world in worlds for interaction in world.interactions),
        key=lambda interaction: (interaction.round, interaction.world, interaction.position),
    )
    # Sorted, so that the file does not depend on the order in which the agents answered.
    write_interactions(folder / INTERACTIONS, finished)
    return finished


def _check(cast: Cast) -> None:
    """Call the method `check` of every policy that has one; it raises UserError."""
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
    """Bring the worlds to the end of the log, and return the finished interactions."""
    # The log leaves out a torn last line; its turn is played again.
    logs: dict[str, list[tuple[str, Utterance]]] = defaultdict(list)
    for line in log.read():
        logs[line.world].append((line.turn, line.utterance))
    unknown = set(logs) - {world.name for world in worlds}
    if unknown:
        raise UserError(f"log: {log.path} is of other worlds: {', '.join(sorted(unknown))}")
    finished = []
    for world in worlds:
        try:
            finished += world.replay(logs[world.name])
        except ValueError as error:
            raise UserError(f"log: {log.path} is of another society: {error}") from error
    return finished
