"""The record of a run, out of everything that was read of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from social_sandbox.envs.rules.turns import RATING_SCALE

from ..answers import Answers
from ..figures.answers import benchmark_figures, held_out_figures
from ..figures.data import data_figures
from ..figures.norms import norm_figures
from ..figures.people import people_figures
from ..figures.society import society_figures
from ..figures.training import training_figures
from ..folders import RunFolder
from ..lines import read_json
from ..records import Run
from ..table import Columns
from .defaults import differing
from .facts import facts, policies
from .headlines import headlines
from .health import health
from .stages import read_records, stage_states


def run_record(
    run: RunFolder,
    columns: Columns,
    answers: Answers,
    counts: Mapping[str, int],
    chunks: Mapping[str, int],
    notes: Sequence[str] = (),
) -> Run:
    """Return the record of a run.

    Args:
        run: The folder of the run.
        columns: Its interactions.
        answers: Its answers.
        counts: Numbers of interactions, groups and answers.
        chunks: Numbers of files of each.
        notes: Sentences about what could not be read.
    """
    folder = run.folder
    records = read_records(folder)
    settings = {name: record.get("settings") or {} for name, record in records.items()}
    results = read_json(folder / "evaluation" / "results.json") or {}
    benchmarks = read_json(folder / "benchmarks" / "results.json") or {}
    safeguards = read_json(folder / "safeguards" / "results.json") or {}
    report = read_json(folder / "data" / "report.json") or {}
    checked = read_json(folder / "alignment" / "data_report.json") or {}
    reward_model = read_json(folder / "alignment" / "reward_model" / "log.json") or {}
    return Run(
        key=run.key,
        name=run.name,
        path=str(run.path),
        facts=list(facts(folder, records, _sizes(columns), columns.costs)),
        settings=differing(settings),
        stages=stage_states(folder, records, len(columns)),
        headlines=list(headlines(columns, answers, results, benchmarks, safeguards)),
        health=list(health(columns)),
        figures=[
            *society_figures(columns),
            *norm_figures(read_json(folder / "figures" / "norms.json") or {}),
            *data_figures({**checked, **report}),
            *training_figures(read_json(folder / "alignment" / "log.json") or []),
            *training_figures(reward_model.get("rows", ()), "reward_model"),
            *held_out_figures(results, answers),
            *benchmark_figures(benchmarks),
            *people_figures(read_json(folder / "people" / "report.json") or {}),
        ],
        rating_scale=columns.rating_scale or results.get("rating_scale") or RATING_SCALE,
        grid_size=1 + max((*columns.row, *columns.column), default=-1),
        worlds=columns.names["world"].texts,
        policies=policies(folder),
        models=answers.models,
        counts=dict(counts),
        chunks=dict(chunks),
        dropped=[*_dropped(report, "data"), *_dropped(checked, "training")],
        notes=list(notes),
    )


def _sizes(columns: Columns) -> dict[str, int]:
    return {
        "interactions": len(columns),
        "worlds": len(set(columns.world)),
        "agents": len(set(columns.agent)),
        "rounds": len(set(columns.round)),
        "questions": len(columns.names["question"].texts),
    }


def _dropped(report: Mapping[str, Any], stage: str) -> Iterator[tuple[str, str, int]]:
    """Yield what a report says was left out: source, reason, count."""
    for source in report.get("sources") or ():
        for reason, count in (source.get("dropped") or {}).items():
            yield str(source.get("kind", "")), str(reason), int(count)
    for reason, count in (report.get("dropped") or {}).items():
        yield stage, f"candidate: {reason}", int(count)
    if report.get("dropped_groups"):
        yield stage, "group without a candidate that can be trained on", report["dropped_groups"]
