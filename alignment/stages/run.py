"""The main job: simulate -> data -> align -> evaluate -> figures, and the page of them all.

Each stage returns what it made, and the next stage uses it. Any stage can be given a file of
another program instead.
"""

from time import monotonic

from ..reporting import console as report
from ..reporting.run_report import stage_times
from ..runtime.stage import Summary, write_json
from .context import Context
from .preflight import preflight
from .steps.alignment import align
from .steps.benchmarks import benchmark
from .steps.evaluation import evaluate
from .steps.figures import draw_figures
from .steps.page import write_page_of
from .steps.report import stage_records
from .steps.simulation import simulate
from .steps.training_data import make_data


def run_all(context: Context) -> Summary:
    """Run all stages, and write their summaries to `metrics.json`.

    Raises:
        UserError: A setting is wrong; what can be known is found before the first stage.
        BudgetReached: The simulation would cost more than the settings allow.
    """
    with context.locked():
        return _run_all(context)


def _run_all(context: Context) -> Summary:
    start = monotonic()
    settings = context.settings
    summary: Summary = {}
    simulation = data = None
    simulates = settings.interactions is None and settings.data.takes_own_interactions
    stages = ["alignment", "evaluation", "benchmarks"]
    preflight(context, stages if settings.groups is not None else ["data", *stages])
    if simulates:
        simulation = simulate(context)
        summary["simulation"] = simulation.summary
    if settings.groups is None:
        data = make_data(context, simulation)
        summary["data"] = data.summary
    alignment = align(context, data)
    summary["alignment"] = alignment.summary
    evaluation = evaluate(context, alignment)
    summary["evaluation"] = evaluation.summary
    if evaluation.safeguards is not None:
        summary["safeguards"] = evaluation.safeguards
    if settings.evaluate.benchmarks is not None:
        summary["benchmarks"] = benchmark(context, alignment)["benchmarks"]
    summary |= draw_figures(context, simulation, alignment, evaluation)
    times = stage_times(stage_records(context))
    summary["seconds"] = times
    write_json(context.output_dir / "metrics.json", summary)
    report.print_files(context.console, context.output_dir)
    write_page_of(context)
    report.print_times(context.console, times, monotonic() - start)
    return summary
