"""The stages of training data: rated groups from all sources, and exports of the groups."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.text import Text

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.society.log import INTERACTIONS

from ...data.export import export_groups
from ...data.formats.rows import is_hub_id
from ...data.groups import RatedGroup, write_groups
from ...data.sources import read_sources, source_files
from ...data.storage.stored import open_groups
from ...data.validation import Report
from ...reporting import console as report
from ...reporting import data_report
from ...reporting.tracking import rows as wandb_rows
from ...reporting.tracking.artifacts import data_artifact
from ...runtime.processes import is_first, several
from ...runtime.stage import Summary, Work, read_record, write_json
from ..context import Context
from ..data_checks import check_data, lengths
from ..inputs import input_hash, read_json
from ..inspect_export import export_logs
from ..society.training import question_groups
from .simulation import Simulation


@dataclass(frozen=True)
class TrainingData:
    """Rated groups, and the file that holds them.

    Attributes:
        path: The file with one group a line.
        summary: How many groups of each kind there are, and how many candidates; empty for a file
            that another program made.
        report: What checks of the data found; None: the data was not checked.
        is_checked: Whether the report was made with the settings of this run.
    """

    path: Path
    summary: Summary = field(default_factory=dict)
    report: Report | None = None
    is_checked: bool = False
    made: Sequence[RatedGroup] | None = None
    """The groups, where this process made them and has them in memory."""

    @cached_property
    def groups(self) -> Sequence[RatedGroup]:
        """The groups; those of a large file stay there unless this process made them.

        Raises:
            UserError: The file cannot be read.
        """
        return open_groups(self.path) if self.made is None else self.made


def make_data(context: Context, simulation: Simulation | None = None) -> TrainingData:
    """Turn interactions and other sources into rated groups; writes `data/groups.jsonl`.

    Args:
        context: The context of the run.
        simulation: The interactions of this run; None: they are read from the file.

    Raises:
        UserError: A source cannot be read, or its data cannot be trained on.
    """
    settings = context.settings
    interactions = None
    if settings.data.takes_own_interactions:
        interactions = settings.interactions or (
            context.output_of("simulation", INTERACTIONS, "simulate")
            if simulation is None
            else simulation.path
        )
    elif settings.interactions is not None:
        raise UserError(
            "interactions: no source in data.sources means them; add {kind: interactions} or leave "
            "them out"
        )
    config = settings.data.with_sources()
    sources = source_files(config, interactions)
    files = [file for _, file in sources]
    made_with: dict[str, Any] = {"data": settings.data.made_with()}
    if settings.data.sources is None:
        made_with["interactions"] = input_hash(interactions, "interactions")
    else:
        made_with["files"] = [f if is_hub_id(f) else input_hash(f, "data.sources") for f in files]

    def prepare() -> Work[tuple[Sequence[RatedGroup], Report]]:
        known = simulation.interactions if simulation and not settings.interactions else None
        groups, source_reports = read_sources(config, interactions, known)
        checked = check_data(groups, settings, f"data: {', '.join(files)}")
        checked["lengths"] = lengths(groups, settings)
        whole_report = {"sources": [source.summary() for source in source_reports], **checked}

        def work(folder: Path) -> tuple[Summary, tuple[Sequence[RatedGroup], Report]]:
            kinds: Counter[str] = Counter()

            def counted() -> Iterator[RatedGroup]:
                for group in groups:
                    kinds[group.kind] += 1
                    yield group

            write_groups(folder / "groups.jsonl", counted())
            write_json(folder / "report.json", whole_report)
            summary = {"groups": dict(kinds), "candidates": checked["candidates"]}
            return summary, (groups, whole_report)

        return work

    summary, made = context.run_stage("data", made_with, prepare)
    path = context.stage_folder("data") / "groups.jsonl"
    if made is None:
        earlier_report = read_json(context.stage_folder("data") / "report.json")
        data = TrainingData(path, summary, earlier_report)
    else:
        groups, new_report = made
        in_memory = groups if isinstance(groups, list) else None
        data = TrainingData(path, summary, new_report, is_checked=True, made=in_memory)
    local = [(data_artifact(k, file), Path(file)) for k, file in sources if not is_hub_id(file)]
    with context.logged_once("data", local) as run:
        if run is not None:
            wandb_rows.log_data(run, data.groups, context.cycle)
    if data.report:
        data_report.print_report(context.console, data.report)
    else:
        report.print_data(context.console, summary)
    return data


def training_data(context: Context) -> TrainingData:
    """Return the groups that the settings name, or those of the data stage.

    The data stage is run if it is not complete. A method that plays a society can begin without
    data: it needs questions alone.

    Raises:
        UserError: The data stage fails, or several processes would have to run it.
    """
    if context.settings.groups is not None:
        return TrainingData(context.settings.groups)
    folder = context.stage_folder("data")
    record = read_record(folder)
    if record and record["complete"]:
        path, earlier_report = folder / "groups.jsonl", read_json(folder / "report.json")
        return TrainingData(path, record["summary"], earlier_report)
    settings = context.settings
    if (
        settings.method.plays_society
        and settings.interactions is None
        and settings.data.sources is None
        and not context.is_complete("simulation")
    ):
        return _questions(context)
    if several():
        raise UserError(
            f"output_dir: {folder} is not complete, and several processes cannot make it "
            "together: social-sandbox data first"
        )
    return make_data(context)


def _questions(context: Context) -> TrainingData:
    """Return groups that ask the society's questions; writes `questions.jsonl`."""
    groups = question_groups(context.settings)
    path = context.output_dir / "questions.jsonl"
    if is_first():
        write_groups(path, groups)
    return TrainingData(path, {"groups": {"question": len(groups)}}, {}, True, groups)


def export(context: Context, data: TrainingData | None = None) -> Summary:
    """Write the groups as a data set, or what is recorded as logs of Inspect.

    The export is quick and therefore always repeated.

    Args:
        context: The context of the run.
        data: The groups; None: those of `training_data`.

    Returns:
        `export`, the folder, and `rows`, the number of rows of each split; for logs, `samples`, the
        number of samples of each log.

    Raises:
        UserError: The groups yield no rows, or the folder holds other files.
    """
    config, console = context.settings.export, context.console
    if config.to == "inspect":
        return export_logs(context)
    data = training_data(context) if data is None else data
    default = context.stage_folder("export") / f"{config.to}-{config.format}"
    folder = config.folder or default
    with context.locked():
        rows = export_groups(data.groups, config, folder, data.path.name)
    console.print(Text.assemble(("export", "bold"), f": {folder}"), soft_wrap=True)
    console.print("  " + ", ".join(f"{count} rows in {split}" for split, count in rows.items()))
    return {"export": str(folder), "rows": rows}
