"""The stage that draws the figures."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.norms.recipes import norms_of
from social_sandbox.policies.society.log import INTERACTIONS

from ...evaluation.comparison import current_table
from ...evaluation.society import rating_scale
from ...evaluation.spread import norm_spread, spread_rows, values_of_own
from ...reporting import histograms
from ...reporting.drawn import read_drawn
from ...runtime.stage import Summary, read_record, write_json
from ...runtime.tables import print_path
from ..context import Context
from ..inputs import read_json
from .alignment import Alignment
from .evaluation import Evaluation
from .report import write_report
from .simulation import Simulation


def draw_figures(
    context: Context,
    simulation: Simulation | None = None,
    alignment: Alignment | None = None,
    evaluation: Evaluation | None = None,
) -> Summary:
    """Draw all results there are; writes `figures/` and `report.md`.

    Both are quick, and therefore always made anew.

    Args:
        context: The context of the run.
        simulation: The interactions; None: they are read if there are any.
        alignment: The training; None: its log is read if there is one.
        evaluation: Held-out results; None: they are read if there are any.

    Returns:
        `figures`, the paths of the pictures; `report`, the path of the report; and with an
        observer that rates by norms `norms`, the shares of answers that follow them.

    Raises:
        UserError: There is nothing to draw.
    """
    from ...reporting.figures import plot_histograms, plot_run

    folder = context.stage_folder("figures")
    norms = norms_of(context.settings.observer) or norms_of(_recorded_observer(context))
    if simulation is None:
        default = context.stage_folder("simulation") / INTERACTIONS
        source = context.settings.interactions or default
        interactions = read_drawn(source, texts=bool(norms)) if source.exists() else []
    else:
        interactions = list(simulation.interactions)
    alignment = _recorded_alignment(context) if alignment is None else alignment
    evaluation = _recorded_evaluation(context) if evaluation is None else evaluation
    paths = plot_run(
        folder,
        interactions,
        list(alignment.log) if alignment else [],
        evaluation.summary if evaluation else {},
        alignment.method if alignment else "",
        shares := norm_spread(interactions, norms),
    )
    if shares:
        record = {"shares": spread_rows(shares), "values": values_of_own(interactions, norms)}
        write_json(folder / "norms.json", record)
    counts = histograms.of_society(interactions, rating_scale(interactions))
    if evaluation:
        counts |= histograms.of_answers(evaluation.answers, evaluation.summary["rating_scale"])
    paths += plot_histograms(folder, counts)
    if not paths:
        raise UserError(
            f"output_dir: nothing to draw in {context.output_dir}: simulate, align or evaluate"
        )
    console = context.console
    console.print(Text.assemble(("figures", "bold"), f": {folder}"), soft_wrap=True)
    console.print(f"  {' '.join(path.name for path in paths)}", highlight=False)
    report = write_report(context, shares, alignment, evaluation, paths)
    print_path(console, "report", report)
    drawn: Summary = {"figures": [str(path) for path in paths], "report": str(report)}
    return drawn | ({"norms": spread_rows(shares)} if shares else {})


def _recorded_observer(context: Context) -> Mapping[str, Any]:
    """Return the recipe of the observer of the society that the output folder holds."""
    record = read_record(context.stage_folder("simulation")) or {}
    return record.get("settings", {}).get("observer") or {}


def _recorded_alignment(context: Context) -> Alignment | None:
    """Return the training that the output folder holds, complete or not."""
    folder = context.stage_folder("alignment")
    record = read_record(folder)
    if record is None:
        return None
    return Alignment(folder, record["settings"]["method"]["name"], record.get("summary", {}))


def _recorded_evaluation(context: Context) -> Evaluation | None:
    """Return the held-out results that the output folder holds."""
    folder = context.stage_folder("evaluation")
    results = read_json(folder / "results.json")
    if results is None:
        return None
    return Evaluation(folder, {**results, "table": current_table(results["table"])})
