"""Where training data comes from: files of several formats, mixed by weight."""

import glob
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import Interaction, read_interactions
from social_sandbox.envs.jsonl import first_problem
from social_sandbox.envs.seeding import key

from .config import DataConfig, SourceConfig
from .formats.authors import read_authors
from .formats.hh import read_hh
from .formats.pair import PairRating
from .formats.preference import read_preferences
from .formats.prompt_completion import read_completions
from .formats.rows import is_hub_id, read_rows
from .from_interactions import build_groups
from .groups import RatedGroup

_RATERS = {"hh": "human", "preference": "preference", "prompt_completion": "demonstration"}


@dataclass(slots=True)
class SourceReport:
    """What came of one source."""

    kind: str
    files: list[str]
    """Files, or the hub id."""
    read: int = 0
    """Groups that the source holds."""
    kept: int = 0
    """Groups after mixing."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Why rows or groups of it are not there, and how many."""

    def summary(self) -> dict[str, Any]:
        """The same as plain values."""
        dropped = {reason: count for reason, count in self.dropped.items() if count}
        plain = {"kind": self.kind, "files": self.files, "read": self.read, "kept": self.kept}
        return {**plain, "dropped": dropped}


def read_sources(
    config: DataConfig,
    own: Path | None = None,
    interactions: Sequence[Interaction] | None = None,
) -> tuple[list[RatedGroup], list[SourceReport]]:
    """The groups of all sources, mixed and in a seeded order, and what came of each source.

    Args:
        config: whose `sources` are read.
        own: the interactions that a source of kind `interactions` without a path means.
        interactions: those of `own`, where they have been read already.

    With weights, each source gets its share of the groups: as many groups as there can be without
    giving any twice. Which ones depends on `config.seed` and their ids alone. A group that is the
    same as an earlier one is left out and counted.

    Raises:
        UserError: naming the source, its file and line; or ratings whose scales differ.
    """
    groups: list[list[RatedGroup]] = []
    reports = []
    seen: set[tuple[object, ...]] = set()
    ids: set[str] = set()
    for number, source in enumerate(config.sources or ()):
        report = SourceReport(source.kind, _files(source, number, own))
        found = []
        known = interactions if source.path is None else None
        for group in _read(source, number, report, config, known):
            content = (group.prompt, group.rating_scale, group.candidates)
            if content in seen:
                report.dropped["the same as an earlier group"] += 1
                continue
            seen.add(content)
            found.append(_with_id_of_its_own(group, ids))
        if not found:
            dropped = report.summary()["dropped"]
            reasons = "".join(f"; {count} x {what}" for what, count in dropped.items())
            raise UserError(
                f"{_name(number)}: {', '.join(report.files)} yields no training data{reasons}"
            )
        report.read = len(found)
        groups.append(found)
        reports.append(report)
    _check_scales(groups, config.sources or ())
    mixed = []
    for found, report, most in zip(groups, reports, _shares(config, groups), strict=True):
        kept = sorted(found, key=lambda group: key(config.seed, "source", group.id))[:most]
        report.kept = len(kept)
        if len(kept) < len(found):
            report.dropped["left out for the weights"] += len(found) - len(kept)
        mixed += kept
    return sorted(mixed, key=lambda group: key(config.seed, "order", group.id)), reports


def source_files(config: DataConfig, own: Path | None = None) -> list[tuple[str, str]]:
    """Kind and name of every file, or hub id, that the data is made from, in order."""
    return [
        (source.kind, name)
        for number, source in enumerate(config.sources or ())
        for name in _files(source, number, own)
    ]


def _name(number: int) -> str:
    return f"data.sources.{number}"


def _files(source: SourceConfig, number: int, own: Path | None) -> list[str]:
    if source.path is None:
        # Checked before: only interactions may have none.
        return [str(own)]
    if is_hub_id(source.path) and source.kind != "interactions":
        return [source.path]
    for part in source.hub_part:
        raise UserError(f"{_name(number)}.{part}: is for data sets of the hub, not {source.path}")
    path = str(Path(source.path).expanduser())
    found = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))
    if not found:
        wild = glob.has_magic(path)
        problem = "no file matches" if wild else "cannot read"
        because = "" if wild else ": No such file or directory"
        raise UserError(f"{_name(number)}.path: {problem} {source.path}{because}")
    for name in found:
        if Path(name).is_dir():
            raise UserError(
                f"{_name(number)}.path: {name} is a folder: name its files, such as {name}/*.jsonl"
            )
    return found


def _read(
    source: SourceConfig,
    number: int,
    report: SourceReport,
    config: DataConfig,
    known: Sequence[Interaction] | None,
) -> Iterator[RatedGroup]:
    """The groups of one source; what it leaves out is counted in the report."""
    if source.kind == "interactions":
        yield from _interactions(report, config, known)
        return
    rater = _RATERS.get(source.kind, "") if source.rater is None else source.rater
    how = PairRating(gap=source.gap, rating_scale=source.rating_scale, rater=rater)
    for file in report.files:
        rows = read_rows(file, _name(number), source.split, source.hub_part)
        if source.kind == "hh":
            yield from read_hh(file, rows, how, report.dropped)
        elif source.kind == "preference":
            yield from read_preferences(file, rows, how, report.dropped)
        elif source.kind == "prompt_completion":
            yield from read_completions(file, rows, how, report.dropped)
        elif source.kind == "authors":
            yield from read_authors(file, rows)
        else:
            yield from _groups(rows)


def _interactions(
    report: SourceReport, config: DataConfig, known: Sequence[Interaction] | None
) -> Iterator[RatedGroup]:
    files = [known] if known is not None else map(read_interactions, report.files)
    contents: set[str] = set()
    interactions = []
    for interaction in chain.from_iterable(files):
        # Interactions of different runs share their ids: only equal content is a repetition.
        content = repr(interaction)
        if content in contents:
            report.dropped["the same interaction twice"] += 1
            continue
        contents.add(content)
        interactions.append(interaction)
    yield from build_groups(interactions, config, report.dropped)


_group: TypeAdapter[RatedGroup] = TypeAdapter(RatedGroup)


def _groups(rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[RatedGroup]:
    for place, row in rows:
        try:
            yield _group.validate_python(row)
        except ValidationError as error:
            raise UserError(f"{place}: {first_problem(error)}") from error


def _with_id_of_its_own(group: RatedGroup, taken: set[str]) -> RatedGroup:
    """The group, with a number behind its id where another source has the same."""
    name, number = group.id, 1
    while name in taken:
        number += 1
        name = f"{group.id}#{number}"
    taken.add(name)
    return group if name == group.id else replace(group, id=name)


def _check_scales(groups: Sequence[Sequence[RatedGroup]], sources: Sequence[SourceConfig]) -> None:
    scales = {
        group.rating_scale: f"{_name(number)} ({source.kind})"
        for number, (found, source) in enumerate(zip(groups, sources, strict=True))
        for group in found
    }
    if len(scales) > 1:
        (low, one), (high, other) = sorted(scales.items())[:2]
        raise UserError(
            f"data.sources: {one} is rated on 1..{low} and {other} on 1..{high}; ratings of one "
            "scale at a time (rating_scale of a source is the scale of its pairs)"
        )


def _shares(config: DataConfig, groups: Sequence[Sequence[RatedGroup]]) -> list[int]:
    """How many groups of each source are kept."""
    weights = [source.weight for source in config.sources or ()]
    given = [weight for weight in weights if weight is not None]
    if not given:
        return [len(found) for found in groups]
    # The source with the fewest groups for its weight decides.
    unit = min(len(found) / w for found, w in zip(groups, given, strict=True) if w)
    return [
        min(len(found), max(1, round(unit * w))) if w else 0
        for found, w in zip(groups, given, strict=True)
    ]
