"""A simulation with a folder, in which an interrupted simulation resumes.

The folder holds four files: `utterances.jsonl` is the log of all utterances and the state of the
simulation, `interactions.jsonl` follows from the log, `society.json` says of which societies the
log is, and `population.json` names the policy of each agent. An utterance is logged before it is
submitted to its world, so that a simulation which was killed resumes where its log ends. One
process at a time plays in a folder.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from social_sandbox.envs.collector import rarely_collecting
from social_sandbox.envs.rules.interactions import Interaction, interaction_log, write_interactions
from social_sandbox.envs.rules.world import World

from .account import Account, Budget
from .engines.merge import gather_worlds, sort_log
from .lock import locked
from .log import INTERACTIONS, Logged, resume, utterance_log, write_society
from .phased import distinct
from .population import Cast, Population, as_population
from .progress import ShowProgress
from .rollout import Answers, OnInteraction, rollout


def simulate(
    worlds: Sequence[World],
    population: Population | Any,
    folder: str | Path,
    *,
    on_interaction: OnInteraction | None = None,
    budget: Budget | None = None,
    progress: ShowProgress = False,
    checked: bool = False,
) -> list[Interaction]:
    """Play worlds to their end, or resume where an earlier call with this folder has stopped.

    Args:
        worlds: New worlds with different names.
        population: The policies of the agents, or one agent (see `as_policy`) who plays everybody.
        folder: The folder of the simulation.
        on_interaction: See `rollout`.
        budget: Limits of the simulation over all calls with this folder.
        progress: See `rollout`.
        checked: Whether the caller has checked the policies, see `check_cast`.

    Returns:
        All interactions, sorted by round, world and position as in the file.

    Raises:
        UserError: The log in the folder belongs to other worlds or players, a policy cannot play,
            or another process plays in this folder.
        BudgetReached: The budget is spent.
    """
    folder = Path(folder)
    with locked(folder), rarely_collecting():
        gather_worlds(folder)
        cast = as_population(population).cast(worlds)
        replayed = resume(worlds, cast, folder)
        if not checked and not all(world.done for world in worlds):
            check_cast(cast)
        write_society(worlds, cast, folder)
        log = utterance_log(folder)
        write_interactions(folder / INTERACTIONS, replayed)
        interactions = interaction_log(folder / INTERACTIONS)
        with log.appending() as log_lines, interactions.appending() as record:

            def write_utterances(answers: Answers) -> None:
                log_lines(Logged.answer(turn, utterance) for turn, utterance in answers)

            def write_interaction(interaction: Interaction, account: Account) -> None:
                record([interaction])
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
        if log.path.exists():
            sort_log(log.path)
        return finished


def check_cast(cast: Cast) -> None:
    """Call the method `check` of every policy that has one; it raises UserError."""
    for policy in distinct(cast.values()):
        check = getattr(policy, "check", None)
        if callable(check):
            check()
