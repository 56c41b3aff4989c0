"""The report of a run, in the output folder beside the folders of the stages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...evaluation.spread import Share
from ...runtime.stage import read_record
from ..context import Context
from ..inputs import read_json
from .alignment import Alignment
from .evaluation import Evaluation

REPORT = "report.md"
"""The name of the file."""

STAGES = ("simulation", "data", "alignment", "evaluation", "safeguards", "benchmarks")
"""The stages with a record, in their order."""


def stage_records(context: Context) -> dict[str, dict[str, Any]]:
    """Return the records of the stages that the output folder holds."""
    records = {name: read_record(context.stage_folder(name)) for name in STAGES}
    return {name: record for name, record in records.items() if record is not None}


def write_report(
    context: Context,
    shares: Sequence[Share],
    alignment: Alignment | None,
    evaluation: Evaluation | None,
    figures: Sequence[Path],
) -> Path:
    """Write `report.md` from all that there is, and return its path.

    Args:
        context: The context of the run.
        shares: Shares of answers in the society that follow norms.
        alignment: The training; None: there is none.
        evaluation: Held-out results; None: there are none.
        figures: Pictures in the folder `figures`.
    """
    from ...reporting.run_report import Findings, run_report

    findings = Findings(
        name=context.output_dir.resolve().name,
        records=stage_records(context),
        shares=shares,
        log=alignment.log if alignment else (),
        evaluation=evaluation.summary if evaluation else {},
        answers=evaluation.answers if evaluation else (),
        safeguards=read_json(context.stage_folder("safeguards") / "results.json") or {},
        figures=[path.name for path in figures],
        seed=context.settings.evaluate.seed,
    )
    path = context.output_dir / REPORT
    path.write_text(run_report(findings), encoding="utf-8")
    return path
