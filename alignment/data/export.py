"""Rated groups exported as a data set: files, splits, features and a card."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.settings import settings_dataclass
from social_sandbox.envs.text.jsonl import write_objects
from social_sandbox.policies.prompts.control_tokens import defused
from social_sandbox.policies.society.lock import locked

from ..runtime.stage import make_folder
from .card import MARK, card
from .formats.authors import authors_rows
from .formats.hh import hh_rows
from .formats.preference import preference_rows
from .formats.prompt_completion import Completions, completion_rows
from .groups import RatedGroup, group_rows
from .pairs import Pairing

Target = Literal["preference", "prompt_completion", "hh", "authors", "groups", "inspect"]


@settings_dataclass("export")
class ExportConfig:
    """The form of an exported data set; `social-sandbox export --help` explains each setting."""

    to: Target = "preference"
    format: Literal["jsonl", "parquet"] = "jsonl"
    folder: Path | None = None
    pairing: Pairing = "best_worst"
    min_gap: Annotated[float, Field(ge=0)] = 0.0
    completions: Completions = "best"
    conversational: bool = True
    logs: Literal["society", "held_out", "benchmarks"] | None = None
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    seed: int = 0


def export_groups(
    groups: Sequence[RatedGroup], config: ExportConfig, folder: Path, source: str
) -> dict[str, int]:
    """Write a data set that `datasets.load_dataset(folder)` loads.

    Args:
        groups: Groups to export.
        config: Settings of the export.
        folder: Folder that is new, empty, or holds an earlier export; only the files of the earlier
            export are replaced.
        source: Origin of the groups, for the card.

    Returns:
        The number of rows of each split.

    Raises:
        UserError: The folder holds other files, or the groups give no row.
    """
    folder = folder.resolve()
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not _is_export(folder)):
        raise UserError(f"export.folder: {folder} exists and is no earlier export")
    rows = _splits(groups, config)
    first = {split: next(iter(of_split), None) for split, of_split in rows.items()}
    if not any(first.values()):
        raise UserError(
            f"export.to={config.to}: no row can be made of {len(groups)} groups from {source}"
            + (f" with min_gap {config.min_gap:g}" if config.to in ("preference", "hh") else "")
        )
    if not first["train"]:
        raise UserError(
            f"export.test_share={config.test_share:g} leaves no row to train on: all "
            f"{sum(1 for _ in rows['test'])} are in test"
        )
    make_folder(folder.parent, "export.folder")
    # A folder beside the export: an earlier export stays until the new one is complete. The name
    # is always the same, so that what a killed process has left is replaced.
    partial = folder.with_name(f".{folder.name}.partial")
    with locked(partial):
        try:
            for name in _FILES:
                _remove(partial / name)
            with_rows = {split: of_split for split, of_split in rows.items() if first[split]}
            counts = _write(partial, groups, with_rows, config, source)
            folder.mkdir(exist_ok=True)
            # A process that is killed in between leaves a folder without data, and with the card
            # by which the same command knows the folder as an export.
            _remove(folder / "data")
            for name in _FILES:
                (partial / name).replace(folder / name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return counts


_FILES = ("README.md", "data")

_ROW_GROUP = 2**12
"""Rows that a Parquet file keeps together, and that are in memory at a time."""


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a split, which are made anew whenever they are gone through."""

    groups: Sequence[RatedGroup]
    config: ExportConfig
    split: str

    def __iter__(self) -> Iterator[dict[str, Any]]:
        config = self.config
        groups: Iterable[RatedGroup] = filter(self._has, self.groups)
        if config.to != "groups":
            # Other trainers would make control tokens of what texts spell like them.
            groups = map(_defused, groups)
        match config.to:
            case "preference":
                pairing, gap = config.pairing, config.min_gap
                yield from preference_rows(groups, pairing, gap, config.conversational)
            case "prompt_completion":
                yield from completion_rows(groups, config.completions, config.conversational)
            case "hh":
                yield from hh_rows(groups, config.pairing, config.min_gap)
            case "authors":
                yield from authors_rows(groups)
            case "groups":
                yield from group_rows(groups)
            case "inspect":
                raise ValueError("a log is no data set: stages.inspect_export writes it")

    def _has(self, group: RatedGroup) -> bool:
        # Dialogues with the same beginning, such as an answer and its revision, share a split.
        opening = next((m.content for m in group.prompt if m.role == "user"), group.id)
        draw = key(self.config.seed, "split", opening) / 2**63
        return (self.split == "test") == (draw < self.config.test_share)


def _splits(groups: Sequence[RatedGroup], config: ExportConfig) -> dict[str, _Rows]:
    names = ("train", "test") if config.test_share else ("train",)
    return {split: _Rows(groups, config, split) for split in names}


def _write(
    folder: Path,
    groups: Sequence[RatedGroup],
    rows: Mapping[str, _Rows],
    config: ExportConfig,
    source: str,
) -> dict[str, int]:
    (folder / "data").mkdir()
    features = _features(config)
    write = _write_parquet if config.format == "parquet" else _write_jsonl
    counts = {
        split: write(folder / "data" / f"{split}.{config.format}", of_split, features)
        for split, of_split in rows.items()
    }
    settings = {name: value for name, value in asdict(config).items() if name != "folder"}
    text = card(groups, counts, features, settings, source)
    (folder / "README.md").write_text(text, encoding="utf-8")
    return counts


def _write_jsonl(path: Path, rows: Iterable[dict[str, Any]], features: Any) -> int:
    """Write rows as lines of JSON, and return their number."""
    count = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    write_objects(path, counted())
    return count


def _write_parquet(path: Path, rows: Iterable[dict[str, Any]], features: Any) -> int:
    """Write rows with the types of their columns, some thousands at a time."""
    import datasets
    from pyarrow import parquet

    count = 0
    with ExitStack() as files:
        writer: Any = None
        left = iter(rows)
        while part := list(islice(left, _ROW_GROUP)):
            # Dataset.to_parquet() would show a progress bar.
            table = datasets.Dataset.from_list(part, features=features).data.table
            if writer is None:
                writer = files.enter_context(parquet.ParquetWriter(path, table.schema))
            writer.write_table(table)
            count += len(part)
    return count


def _defused(group: RatedGroup) -> RatedGroup:
    return replace(
        group,
        prompt=tuple(replace(m, content=defused(m.content)) for m in group.prompt),
        candidates=tuple(replace(c, text=defused(c.text)) for c in group.candidates),
    )


def _features(config: ExportConfig) -> Any:
    """Return the columns with their types, which an empty list or a null would not show."""
    from datasets import Features, List, Value

    text, number, whole, truth = (Value(t) for t in ("string", "float64", "int64", "bool"))
    messages = List({"role": text, "content": text})
    reply: Any = messages if config.conversational else text
    of_group = {"rating_scale": whole, "id": text, "kind": text}
    columns: dict[Target, dict[str, Any]] = {
        "preference": {
            **{name: reply for name in ("prompt", "chosen", "rejected")},
            **{name: number for name in ("score_chosen", "score_rejected")},
            **{name: truth for name in ("chosen_ends", "rejected_ends")},
            **of_group,
        },
        "prompt_completion": {
            **{"prompt": reply, "completion": reply, "score": number, "rater": text, "ends": truth},
            **of_group,
        },
        "hh": {"prompt": text, "chosen": text, "rejected": text},
        "authors": {
            **{"query": text, "responses": List(text), "scores": List(number)},
            "model": List(text),
        },
        "groups": {
            "id": text,
            "kind": text,
            "prompt": messages,
            "candidates": List(
                {
                    **{"text": text, "rating": number, "rater": text, "valid": truth},
                    "source": {"interaction": text, "agent": text, "phase": text},
                    "ends": truth,
                }
            ),
            "rating_scale": whole,
        },
    }
    return Features(columns[config.to])


def _is_export(folder: Path) -> bool:
    readme = folder / "README.md"
    return readme.is_file() and MARK in readme.read_text(encoding="utf-8", errors="replace")
