"""Write the page of runs: the application and the data."""

import sys
from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import Interaction
from social_sandbox.envs.jsonl import first_problem

from .answers import Answers, read_answers
from .figures.answers import benchmark_figures, held_out_figures
from .figures.data import data_figures
from .figures.society import society_figures
from .figures.training import training_figures
from .folders import RunFolder, find_runs
from .group_table import GroupColumns
from .lines import read_json, read_lines
from .prompts import prompts_of
from .records import CHUNK, GroupRecord, Index, InteractionRecord, Run, RunName
from .scripts import DataFolder, chunk_name, write_if_changed
from .table import Columns

VERSION = 1
"""Version of the layout that `records` describes."""

_interaction: TypeAdapter[Interaction] = TypeAdapter(Interaction)


def write_page(folders: Sequence[Path], target: Path | None = None) -> Path:
    """Write the page of runs, and return the path of its `index.html`.

    Args:
        folders: Folders of runs, see `find_runs`.
        target: Folder of the page; default: `page` in the first folder.

    Raises:
        UserError: A folder holds no run, a line cannot be read, or the page cannot be written.
    """
    runs = find_runs(folders)
    target = runs[0].folder / "page" if target is None else target
    try:
        copy_application(target)
        data = DataFolder(target / "data")
        for run in runs:
            write_run(run, data)
        names = [RunName(run.key, run.name) for run in runs]
        data.write("index", Index(VERSION, names, following=False, stamp=data.stamp))
    except OSError as error:
        raise UserError(f"view: cannot write {target}: {error.strerror}; --output") from error
    return target / "index.html"


def copy_application(target: Path) -> None:
    """Copy the application into the folder of a page."""
    own = files("social_sandbox.alignment.reporting.page") / "assets"
    shared = files("social_sandbox.policies.browser") / "assets"
    for name, file in [*_files(shared), *_files(own)]:
        place = target / name if name == "index.html" else target / "assets" / name
        write_if_changed(place, file.read_bytes())


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry


def write_run(run: RunFolder, data: DataFolder) -> None:
    """Write the data of a run."""
    groups_file = run.folder / "data" / "groups.jsonl"
    groups: dict[str, list[int]] = {}
    if groups_file.exists():
        for number, line in enumerate(read_lines(groups_file, "groups")):
            for candidate in line.value.get("candidates", ()):
                source = (candidate.get("source") or {}).get("interaction")
                if source and number not in groups.setdefault(source, []):
                    groups[source].append(number)
    answers = read_answers(run.folder)
    columns = Columns()
    rows: dict[str, int] = {}
    chunk: list[InteractionRecord] = []
    chunks = {"interactions": 0, "groups": 0, "answers": 0}
    if run.interactions.exists():
        for line in read_lines(run.interactions, "interactions"):
            try:
                one = _interaction.validate_python(line.value)
            except ValidationError as error:
                raise UserError(
                    f"interactions: {run.interactions}, line {line.end.lines}: "
                    f"{first_problem(error)}"
                ) from error
            rows.setdefault(one.id, len(columns))
            columns.add(one)
            chunk.append(
                InteractionRecord(
                    interaction=line.value,
                    prompts=prompts_of(one),
                    groups=groups.get(one.id, ()),
                    answers=answers.of_question(one.question),
                )
            )
            if len(chunk) == CHUNK:
                name = chunk_name(f"{run.key}/interactions", chunks["interactions"])
                data.write(name, chunk)
                chunks["interactions"] += 1
                chunk = []
    if chunk:
        data.write(chunk_name(f"{run.key}/interactions", chunks["interactions"]), chunk)
        chunks["interactions"] += 1
    data.write(f"{run.key}/table", columns.table())
    group_columns = GroupColumns()

    def group_records() -> Iterator[GroupRecord]:
        if not groups_file.exists():
            return
        for line in read_lines(groups_file, "groups"):
            group_columns.add(line.value)
            sources = [c.get("source") or {} for c in line.value.get("candidates", ())]
            yield GroupRecord(line.value, [rows.get(s.get("interaction", "")) for s in sources])

    chunks["groups"] = data.write_chunks(f"{run.key}/groups", group_records())
    if len(group_columns):
        data.write(f"{run.key}/group_table", group_columns.table())
    records = answers.records(columns)
    chunks["answers"] = data.write_chunks(f"{run.key}/answers", records)
    if records:
        data.write(f"{run.key}/answer_table", answers.table())
    data.write(f"{run.key}/run", _run(run, columns, answers, chunks, len(group_columns)))


def _run(
    run: RunFolder, columns: Columns, answers: Answers, chunks: dict[str, int], n_groups: int
) -> Run:
    size = 1 + max((*columns.row, *columns.column), default=-1)
    folder = run.folder
    report = read_json(folder / "data" / "report.json") or {}
    checked = read_json(folder / "alignment" / "data_report.json") or {}
    reward_model = read_json(folder / "alignment" / "reward_model" / "log.json") or {}
    figures = [
        *society_figures(columns),
        *data_figures({**checked, **report}),
        *training_figures(read_json(folder / "alignment" / "log.json") or []),
        *training_figures(reward_model.get("rows", ()), "reward_model"),
        *held_out_figures(read_json(folder / "evaluation" / "results.json") or {}, answers),
        *benchmark_figures(read_json(folder / "benchmarks" / "results.json") or {}),
    ]
    return Run(
        key=run.key,
        name=run.name,
        path=str(run.path),
        rating_scale=columns.rating_scale or 7,
        grid_size=size,
        worlds=columns.names["world"].texts,
        models=answers.models,
        figures=figures,
        counts={"interactions": len(columns), "groups": n_groups, "answers": len(answers)},
        chunks=chunks,
    )


if __name__ == "__main__":
    print(write_page([Path(sys.argv[1])], Path(sys.argv[2])))
