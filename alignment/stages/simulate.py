"""The stage that plays the worlds and records the interactions."""

from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from social_sandbox.envs.interactions import (
    read_interactions,
)
from social_sandbox.envs.questions import read_questions, society_questions
from social_sandbox.envs.seeding import key
from social_sandbox.envs.world import World
from social_sandbox.policies.society.population import Population
from social_sandbox.policies.society.simulate import INTERACTIONS, simulate

from ..data.priors import read_priors
from ..evaluation.society import simulation_summary
from ..reporting import console as report
from ..reporting import wandb_rows
from ..reporting import wandb_run as tracking
from ..reporting.wandb_artifacts import models
from ..runtime.stage import Summary, Work
from .context import input_hash, logged_once, staged
from .identity import what_is_said
from .players import read_players
from .settings import Settings, build


def simulate_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Play the worlds; writes `simulation/interactions.jsonl`."""
    made_with = {
        "seed": settings.seed,
        "n_worlds": settings.n_worlds,
        "questions": input_hash(settings.questions, "questions"),
        "priors": _priors_input(settings.priors),
        "env": asdict(settings.env),
        "policy": what_is_said(settings.policy),
        "observer": what_is_said(settings.observer),
        "embedder": what_is_said(settings.embedder),
        "population": [what_is_said(entry) for entry in settings.population or ()],
    }

    def prepare() -> Work:
        worlds, population = make_worlds(settings), make_population(settings)
        return lambda folder: simulation_summary(
            simulate(
                worlds,
                population,
                folder,
                on_interaction=wandb_rows.live_costs(run, before=settings.before),
                budget=settings.budget,
                progress=settings.progress,
            )
        )

    summary = staged(settings, console, "simulation", made_with, prepare)
    interactions = read_interactions(settings.output_dir / "simulation" / INTERACTIONS)
    players = [settings.policy] if settings.population is None else settings.population
    with logged_once(settings, "simulation", run, models([*players, settings.observer])) as to:
        wandb_rows.log_simulation(to, interactions, summary, settings.before)
    report.print_rounds(console, interactions)
    report.print_simulation(console, summary)
    return summary


def make_worlds(settings: Settings) -> list[World]:
    """The worlds of a run, with seeds of their own that follow from the run's seed."""
    if settings.questions is None:
        questions = society_questions()
    else:
        questions = [q for q in read_questions(settings.questions) if not q.held_out]
    priors = None if settings.priors is None else read_priors(settings.priors)
    embedder = build(settings.embedder, "embedder")
    return [
        World(
            settings.env,
            questions=questions,
            priors=priors,
            embedder=embedder,
            seed=key(settings.seed, "world", number),
            name=f"world_{number}",
        )
        for number in range(settings.n_worlds)
    ]


def make_population(settings: Settings) -> Population:
    """Who plays whom in a run."""
    observer = build(settings.observer, "observer")
    if settings.population is None:
        return Population(social=build(settings.policy, "policy"), observer=observer)
    return Population(observer=observer, players=read_players(settings.population))


def _priors_input(source: str | None) -> str | None:
    """The hash of a file, or the id of a dataset."""
    return source if source and not Path(source).exists() else input_hash(source, "priors")
