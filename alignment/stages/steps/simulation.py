"""The stage that plays the worlds and records the interactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from social_sandbox.envs.rules.interactions import Interaction, read_interactions
from social_sandbox.policies.norms.recipes import norms_of
from social_sandbox.policies.society.engines import simulate_worlds
from social_sandbox.policies.society.engines.drive import check_engine
from social_sandbox.policies.society.log import INTERACTIONS
from social_sandbox.policies.society.simulate import check_cast
from social_sandbox.policies.society.simulate import simulate as play

from ...evaluation.society import simulation_summary
from ...evaluation.spread import norm_spread
from ...reporting import adherence
from ...reporting import console as report
from ...reporting.tracking import rows as wandb_rows
from ...reporting.tracking.artifacts import models
from ...runtime.recipes import recorded_recipe
from ...runtime.stage import Summary, Work
from ..context import Context
from ..inputs import input_hash
from ..society.worlds import RunSociety


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
        **({} if settings.shard is None else {"shard": settings.shard}),
    }

    def prepare() -> Work[list[Interaction]]:
        society = RunSociety.of(settings)
        # A wrong policy or server is found before the prior memories are embedded.
        population = society.population()
        cast = population.cast(society.worlds(remember=False))
        check_cast(cast)
        if settings.engine.workers is not None or settings.shard is not None:
            check_engine(cast, settings.engine)
            return partial(_one_by_one, context, society)
        worlds = society.worlds()

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


def _one_by_one(
    context: Context, society: RunSociety, folder: Path
) -> tuple[Summary, list[Interaction]]:
    """Play each world on its own, so that its answers depend on no other world."""
    settings = context.settings
    path = simulate_worlds(
        society,
        folder,
        settings.engine,
        budget=settings.budget,
        progress=settings.progress,
        on_progress=wandb_rows.live_sums(context.wandb_run, earlier=context.earlier),
    )
    interactions = read_interactions(path)
    return simulation_summary(interactions), interactions


def _priors_hash(source: str | None) -> str | None:
    """Return the hash of a file, or the id of a dataset of the hub."""
    return source if source and not Path(source).exists() else input_hash(source, "priors")
