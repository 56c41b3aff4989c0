"""The main job: simulate -> data -> align -> evaluate -> figures. Each stage is a function.

Stages hand over files, never objects: any of them can be given a file that another program
wrote.
"""

from collections.abc import Callable

from rich.console import Console

from ..reporting import console as report
from ..reporting import wandb_run as tracking
from ..runtime.stage import Summary, write_json
from ..training.method import Method
from .align import align_stage
from .data import data_stage, export_stage
from .evaluate import evaluate_stage, held_out_stage
from .figures import figures_stage
from .settings import Settings
from .simulate import simulate_stage

Stage = Callable[[Settings, Console, tracking.Run], Summary]


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


COMMANDS: dict[str, Stage] = {
    "run": run_all,
    "simulate": simulate_stage,
    "data": data_stage,
    "export": export_stage,
    "align": align_stage,
    "evaluate": evaluate_stage,
    "figures": figures_stage,
}
