"""The stage that draws the figures."""

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import read_interactions
from social_sandbox.policies.society.simulate import INTERACTIONS

from ..reporting import histograms
from ..reporting import wandb_run as tracking
from ..runtime.stage import Summary, read_record
from .context import read_json, read_lines
from .settings import Settings


def figures_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Draw what there is; writes `figures/`. Quick, and therefore always done anew."""
    from ..reporting.figures import plot_histograms, plot_run, rating_scale

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
