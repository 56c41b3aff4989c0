"""The main job: simulate -> data -> align -> evaluate -> figures. Each stage is a function.

Stages hand over files, never objects: any of them can be given a file that another program
wrote.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import read_interactions
from social_sandbox.policies.simulate import INTERACTIONS, simulate

from . import histograms, report, tracking, wandb_rows
from .align_stage import align_stage
from .data_stage import data_stage, export_stage
from .evaluate_stage import evaluate_stage, held_out_stage
from .handover import input_hash, logged_once, read_json, read_lines, staged
from .lineage import models
from .method import Method
from .settings import Settings
from .society import make_population, make_worlds, simulation_summary, what_is_said
from .stages import Summary, Work, read_record, write_json

Stage = Callable[[Settings, Console, tracking.Run], Summary]


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


def figures_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Draw what there is; writes `figures/`. Quick, and therefore always done anew."""
    from .figures import plot_histograms, plot_run, rating_scale

    folder = settings.output_dir
    source = settings.interactions or folder / "simulation" / INTERACTIONS
    interactions = read_interactions(source) if source.exists() else []
    record = read_record(folder / "alignment") or {"settings": {"method": {"name": ""}}}
    results = read_json(folder / "evaluation" / "results.json") or {}
    paths = plot_run(
        folder / "figures",
        interactions,
        read_json(folder / "alignment" / "log.json") or [],
        results,
        record["settings"]["method"]["name"],
    )
    counted = histograms.of_society(interactions, rating_scale(interactions))
    if results:
        answers = read_lines(folder / "evaluation" / "answers.jsonl")
        counted |= histograms.of_answers(answers, results["rating_scale"])
    paths += plot_histograms(folder / "figures", counted)
    if not paths:
        raise UserError(f"output_dir: nothing to draw in {folder}: simulate, align or evaluate")
    console.print(f"[bold]figures[/]: {folder / 'figures'}", soft_wrap=True, highlight=False)
    console.print(f"  {', '.join(path.name for path in paths)}", highlight=False)
    return {"figures": [str(path) for path in paths]}


def run_all(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """The main job; writes `metrics.json` with the summary of every stage."""
    summary: Summary = {}
    if settings.interactions is None and settings.data.takes_own_interactions:
        summary["simulation"] = simulate_stage(settings, console, run)
    if settings.groups is None:
        summary["data"] = data_stage(settings, console, run)
    summary["alignment"] = align_stage(settings, console, run)
    if isinstance(settings.method, Method) or settings.evaluate.model is not None:
        summary["evaluation"] = held_out_stage(settings, console, run)
        if settings.evaluate.benchmarks is not None:
            summary["benchmarks"] = evaluate_stage(settings, console, run)["benchmarks"]
    summary |= figures_stage(settings, console, run)
    write_json(settings.output_dir / "metrics.json", summary)
    report.print_files(console, settings.output_dir)
    return summary


def _priors_input(source: str | None) -> str | None:
    """The hash of a file, or the id of a dataset."""
    return source if source and not Path(source).exists() else input_hash(source, "priors")


COMMANDS: dict[str, Stage] = {
    "run": run_all,
    "simulate": simulate_stage,
    "data": data_stage,
    "export": export_stage,
    "align": align_stage,
    "evaluate": evaluate_stage,
    "figures": figures_stage,
}
