"""The stage that plays the worlds and records the interactions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import Interaction, read_interactions
from social_sandbox.envs.questions import read_questions, society_questions
from social_sandbox.envs.seeding import key
from social_sandbox.envs.settings import validated
from social_sandbox.envs.world import World
from social_sandbox.policies.norms.recipes import norms_of
from social_sandbox.policies.registry import recipe
from social_sandbox.policies.society.log import INTERACTIONS
from social_sandbox.policies.society.population import Player, Population
from social_sandbox.policies.society.simulate import check_cast
from social_sandbox.policies.society.simulate import simulate as play

from ..data.priors import read_priors
from ..evaluation.society import simulation_summary
from ..evaluation.spread import norm_spread
from ..reporting import adherence, wandb_rows
from ..reporting import console as report
from ..reporting.wandb_artifacts import models
from ..runtime.stage import Summary, Work
from .context import Context
from .identity import recorded_recipe
from .inputs import input_hash
from .settings import Settings, build


@dataclass(frozen=True)
class Simulation:
    """The interactions of a society, and the file that holds them."""

    path: Path
    interactions: Sequence[Interaction]
    summary: Summary


def simulate(context: Context) -> Simulation:
    """Play the worlds; writes `simulation/interactions.jsonl`.

    Raises:
        UserError: A setting of the society is wrong.
        BudgetReached: The simulation would cost more than the settings allow.
    """
    settings = context.settings
    made_with = {
        "seed": settings.seed,
        "n_worlds": settings.n_worlds,
        "questions": input_hash(settings.questions, "questions"),
        "priors": _priors_hash(settings.priors),
        "env": settings.env.recorded(),
        "policy": recorded_recipe(settings.policy),
        "observer": recorded_recipe(settings.observer),
        "embedder": recorded_recipe(settings.embedder),
        "population": [recorded_recipe(entry) for entry in settings.population or ()],
    }

    def prepare() -> Work[list[Interaction]]:
        # A wrong policy or server is found before the prior memories are embedded.
        drafts = make_worlds(settings, remember=False)
        population = make_population(settings, drafts)
        check_cast(population.cast(drafts))
        worlds = make_worlds(settings)

        def work(folder: Path) -> tuple[Summary, list[Interaction]]:
            interactions = play(
                worlds,
                population,
                folder,
                on_interaction=wandb_rows.live_costs(context.wandb_run, earlier=context.earlier),
                budget=settings.budget,
                progress=settings.progress,
                checked=True,
            )
            return simulation_summary(interactions), interactions

        return work

    summary, interactions = context.run_stage("simulation", made_with, prepare)
    path = context.stage_folder("simulation") / INTERACTIONS
    if interactions is None:
        interactions = read_interactions(path)
    players = [settings.policy] if settings.population is None else settings.population
    with context.logged_once("simulation", models([*players, settings.observer])) as run:
        wandb_rows.log_simulation(run, interactions, summary, context.earlier)
    report.print_rounds(context.console, interactions)
    norms = norms_of(settings.observer)
    adherence.print_rounds(context.console, norm_spread(interactions, norms, ["round"]))
    report.print_simulation(context.console, summary)
    return Simulation(path, interactions, summary)


def make_worlds(settings: Settings, *, remember: bool = True) -> list[World]:
    """Return the worlds of a run; the seed of each follows from the run's seed.

    Args:
        settings: The settings of the run.
        remember: Whether the agents have memories; without, nothing is embedded.

    Raises:
        UserError: The questions, the priors or the embedder cannot be read or built.
    """
    if settings.questions is None:
        questions = society_questions()
    else:
        questions = [q for q in read_questions(settings.questions) if not q.held_out]
    priors = None if settings.priors is None else read_priors(settings.priors)
    embedder = build(settings.embedder, "embedder")
    rules = settings.env if remember else replace(settings.env, memory=False)
    return [
        World(
            rules,
            questions=questions,
            priors=priors,
            embedder=embedder,
            seed=key(settings.seed, "world", number),
            name=f"world_{number}",
        )
        for number in range(settings.n_worlds)
    ]


def make_population(settings: Settings, worlds: Sequence[World]) -> Population:
    """Return the policies that play the agents of a run.

    `policy` plays the agents that `population` leaves out.

    Raises:
        UserError: A policy cannot be built.
    """
    observer = build(settings.observer, "observer")
    if settings.population is None:
        return Population(social=build(settings.policy, "policy"), observer=observer)
    population = Population(observer=observer, players=read_players(settings.population))
    if not population.leaves_out(worlds):
        return population
    return replace(population, social=build(settings.policy, "policy"))


_CHOICE = ("select", "share", "rows", "columns")
"""Settings of an entry of `population` that choose agents."""


def read_players(population: Sequence[Mapping[str, Any]]) -> list[Player]:
    """Return the players of entries such as `{select: social_*, share: 0.7, policy: huggingface}`.

    `policy` is the name of an installed policy, or a recipe with `_target_`. All other settings of
    an entry are settings of this policy. Entries with equal policies share one policy object.

    Raises:
        UserError: An entry is wrong; the message names the entry and the setting.
    """
    policies: dict[str, Any] = {}
    players = []
    for number, entry in enumerate(population):
        section = f"population[{number}]"
        if "policy" not in entry:
            raise UserError(f"{section}: needs a policy, such as policy: huggingface")
        policy = entry["policy"]
        settings = dict(recipe(policy) if isinstance(policy, str) else policy)
        overrides = {k: v for k, v in entry.items() if k not in (*_CHOICE, "policy")}
        unknown = set(overrides) - set(settings)
        if unknown and isinstance(policy, str):
            names = [*(name for name in settings if name != "_target_"), "policy", *_CHOICE]
            raise UserError(
                f"{section}.{min(unknown)}: no such setting of policy {policy}; "
                f"there are {', '.join(names)}"
            )
        settings |= overrides
        missing = [name for name, value in settings.items() if value == "???"]
        if missing:
            raise UserError(f"{section}.{missing[0]}: policy {policy} needs this setting")
        if str(settings) not in policies:
            policies[str(settings)] = build(settings, section)
        choice = {name: entry[name] for name in _CHOICE if name in entry}
        values = {"policy": policies[str(settings)], **choice}
        players.append(validated(Player, values, section=section))
    return players


def _priors_hash(source: str | None) -> str | None:
    """Return the hash of a file, or the id of a dataset of the hub."""
    return source if source and not Path(source).exists() else input_hash(source, "priors")
