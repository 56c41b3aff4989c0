"""The stage of training data: rated groups out of all sources, and exports of them."""

from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.society.simulate import INTERACTIONS

from ..data.export import export_groups
from ..data.formats.rows import is_hub_id
from ..data.groups import read_groups, write_groups
from ..data.sources import read_sources, source_files
from ..reporting import console as report
from ..reporting import data_report, wandb_rows
from ..reporting import wandb_run as tracking
from ..reporting.wandb_artifacts import data_artifact
from ..runtime.processes import several
from ..runtime.stage import Summary, Work, is_complete, write_json
from .context import input_hash, logged_once, output_of, read_json, staged
from .preflight import check_data, lengths
from .settings import Settings


def data_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Turn interactions into rated groups; writes `data/groups.jsonl`."""
    own = None
    if settings.data.takes_own_interactions:
        own = settings.interactions or output_of(settings, "simulation", INTERACTIONS, "simulate")
    elif settings.interactions is not None:
        raise UserError(
            "interactions: no source in data.sources means them; add {kind: interactions} or leave "
            "them out"
        )
    config = settings.data.with_sources()
    given = source_files(config, own)
    files = [file for _, file in given]
    made_with: dict[str, Any] = {"data": settings.data.made_with()}
    if settings.data.sources is None:
        made_with["interactions"] = input_hash(own, "interactions")
    else:
        made_with["files"] = [f if is_hub_id(f) else input_hash(f, "data.sources") for f in files]

    def prepare() -> Work:
        groups, sources = read_sources(config, own)
        checked = check_data(groups, settings, f"data: {', '.join(files)}")
        checked["lengths"] = lengths(groups, settings)

        def work(folder: Path) -> Summary:
            write_groups(folder / "groups.jsonl", groups)
            told = {"sources": [source.summary() for source in sources], **checked}
            write_json(folder / "report.json", told)
            return {
                "groups": dict(Counter(group.kind for group in groups)),
                "candidates": sum(len(group.candidates) for group in groups),
            }

        return work

    summary = staged(settings, console, "data", made_with, prepare)
    local = [(data_artifact(k, file), Path(file)) for k, file in given if not is_hub_id(file)]
    with logged_once(settings, "data", run, local) as to:
        groups = read_groups(settings.output_dir / "data" / "groups.jsonl")
        wandb_rows.log_data(to, groups, settings.cycle)
    report.print_data(console, summary)
    data_report.print_report(console, read_json(settings.output_dir / "data" / "report.json") or {})
    return summary


def export_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Write the groups as a data set; quick, and therefore always done anew."""
    source = groups_file(settings, console, run)
    config = settings.export
    default = settings.output_dir / "export" / f"{config.to}-{config.format}"
    folder = config.folder or default
    rows = export_groups(read_groups(source), config, folder, source.name)
    console.print(f"[bold]export[/]: {folder}", soft_wrap=True)
    console.print("  " + ", ".join(f"{count} rows in {split}" for split, count in rows.items()))
    return {"export": str(folder), "rows": rows}


def groups_file(settings: Settings, console: Console, run: tracking.Run) -> Path:
    """The groups that are given, or those of the data stage, which is done where it is not."""
    if settings.groups is not None:
        return settings.groups
    if not is_complete(settings.output_dir / "data"):
        if several():
            raise UserError(
                f"output_dir: {settings.output_dir / 'data'} is not complete, and several "
                "processes cannot make it together: social-sandbox data first"
            )
        data_stage(settings, console, run)
    return output_of(settings, "data", "groups.jsonl", "data")
