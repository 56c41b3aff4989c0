"""The sources of training data: files of several formats, mixed by weight."""

import glob
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import Interaction, content_hash, iter_interactions
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.text.jsonl import first_problem
from social_sandbox.envs.text.messages import Conversation

from .config import DataConfig, SourceConfig
from .formats.authors import read_authors
from .formats.hh import read_hh
from .formats.human import judgements_file, read_human
from .formats.pair import PairRating
from .formats.preference import read_preferences
from .formats.prompt_completion import read_completions
from .formats.rows import is_hub_id, read_rows
from .from_interactions import build_groups
from .groups import Candidate, RatedGroup
from .storage.on_disk import Distinct, Shelf, room_on_disk

_RATERS = {
    "hh": "human",
    "human": "human",
    "preference": "preference",
    "prompt_completion": "demonstration",
}


@dataclass(slots=True)
class SourceReport:
    """The number of groups that one source has given.

    Attributes:
        kind: Format of the source.
        files: Files, or the hub id.
        read: Number of groups in the source.
        kept: Number of groups after mixing.
        dropped: Rows and groups that are left out, counted by reason.
        parted: Number of `groups` that were too large, and of the `parts` that they became.
    """

    kind: str
    files: list[str]
    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    parted: Counter[str] = field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        """Return the report as plain values."""
        dropped = {reason: count for reason, count in self.dropped.items() if count}
        plain = {"kind": self.kind, "files": self.files, "read": self.read, "kept": self.kept}
        return {**plain, "dropped": dropped, "parted": dict(self.parted)}


def read_sources(
    config: DataConfig,
    own: Path | None = None,
    interactions: Sequence[Interaction] | None = None,
) -> tuple[Sequence[RatedGroup], list[SourceReport]]:
    """Return the groups of all sources, mixed and in a seeded order, and a report on each source.

    With weights, each source gets its share of the groups, and as many groups are kept as there can
    be without using a group twice. `config.seed` and the ids of the groups decide which groups are
    kept. A group that repeats an earlier one is left out and counted.

    Args:
        config: Settings with the `sources`.
        own: File of interactions for a source of kind `interactions` without a path.
        interactions: The interactions in `own`, if they have been read already.

    Returns:
        The groups, as a list or, where they are many, as a sequence that reads each from the disk;
        and the reports.

    Raises:
        UserError: A source cannot be read or gives no group, or the sources have different rating
            scales; names the source, its file and line.
    """
    with room_on_disk("data"):
        return _read_all(config, own, interactions)


def _read_all(
    config: DataConfig, own: Path | None, interactions: Sequence[Interaction] | None
) -> tuple[Sequence[RatedGroup], list[SourceReport]]:
    reports = []
    contents, ids, shelf = Distinct(), Distinct(), Shelf()
    scales: dict[int, str] = {}
    for number, source in enumerate(config.sources or ()):
        report = SourceReport(source.kind, _files(source, number, own))
        own_interactions = interactions if source.path is None else None
        for group in _read(source, number, report, config, own_interactions):
            content = (group.prompt, group.rating_scale, group.candidates)
            if not contents.add(_CONTENT.dump_json(content)):
                report.dropped["the same as an earlier group"] += 1
                continue
            named = _with_unique_id(group, ids)
            shelf.add(
                named,
                pile=number,
                rank=key(config.seed, "source", named.id),
                place=key(config.seed, "order", named.id),
            )
            scales[group.rating_scale] = f"{_name(number)} ({source.kind})"
        report.read = shelf.sizes[number]
        if not report.read:
            dropped = report.summary()["dropped"]
            reasons = "".join(f"; {count} x {what}" for what, count in dropped.items())
            raise UserError(
                f"{_name(number)}: {', '.join(report.files)} yields no training data{reasons}"
            )
        reports.append(report)
    _check_scales(scales)
    shares = _shares(config, [report.read for report in reports])
    for report, most in zip(reports, shares, strict=True):
        report.kept = min(most, report.read)
        if report.kept < report.read:
            report.dropped["left out for the weights"] += report.read - report.kept
    return shelf.kept(dict(enumerate(shares))), reports


def source_files(config: DataConfig, own: Path | None = None) -> list[tuple[str, str]]:
    """Return the kind and the name of each file, or hub id, that the data is made from."""
    return [
        (source.kind, name)
        for number, source in enumerate(config.sources or ())
        for name in _files(source, number, own)
    ]


def _name(number: int) -> str:
    return f"data.sources.{number}"


def _files(source: SourceConfig, number: int, own: Path | None) -> list[str]:
    if source.path is None:
        # SourceConfig lets only interactions have no path.
        return [str(own)]
    if is_hub_id(source.path) and source.kind not in ("interactions", "human"):
        return [source.path]
    for part in source.hub_part:
        raise UserError(f"{_name(number)}.{part}: is for data sets of the hub, not {source.path}")
    path = str(Path(source.path).expanduser())
    files = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))
    if not files:
        wild = glob.has_magic(path)
        problem = "no file matches" if wild else "cannot read"
        because = "" if wild else ": No such file or directory"
        raise UserError(f"{_name(number)}.path: {problem} {source.path}{because}")
    if source.kind == "human":
        return [str(judgements_file(Path(name), f"{_name(number)}.path")) for name in files]
    for name in files:
        if Path(name).is_dir():
            raise UserError(
                f"{_name(number)}.path: {name} is a folder: name its files, such as {name}/*.jsonl"
            )
    return files


def _read(
    source: SourceConfig,
    number: int,
    report: SourceReport,
    config: DataConfig,
    interactions: Sequence[Interaction] | None,
) -> Iterator[RatedGroup]:
    """Yield the groups of one source; rows that are left out are counted in the report."""
    if source.kind == "interactions":
        yield from _interaction_groups(report, config, interactions)
        return
    rater = _RATERS.get(source.kind, "") if source.rater is None else source.rater
    rating = PairRating(gap=source.gap, rating_scale=source.rating_scale, rater=rater)
    for file in report.files:
        if source.kind == "human":
            yield from read_human(Path(file), rating, config.engagement_weight, report.dropped)
            continue
        rows = read_rows(file, _name(number), source.split, source.hub_part)
        if source.kind == "hh":
            yield from read_hh(file, rows, rating, report.dropped)
        elif source.kind == "preference":
            yield from read_preferences(file, rows, rating, report.dropped)
        elif source.kind == "prompt_completion":
            yield from read_completions(file, rows, rating, report.dropped)
        elif source.kind == "authors":
            yield from read_authors(file, rows)
        else:
            yield from _groups(rows)


def _interaction_groups(
    report: SourceReport, config: DataConfig, interactions: Sequence[Interaction] | None
) -> Iterator[RatedGroup]:
    files = [interactions] if interactions is not None else map(iter_interactions, report.files)
    once = _once(chain.from_iterable(files), report)
    if config.n_interactions is not None:
        once = _first(once, config, report)
    yield from build_groups(once, config, report.dropped, report.parted)


def _first(
    interactions: Iterable[Interaction], config: DataConfig, report: SourceReport
) -> Iterator[Interaction]:
    """Yield the first `n_interactions`, which alone are in memory, and count the others.

    They accumulate by rounds; within a round, the seed decides. Their order stays that of the
    file, so that a number of all there are changes nothing.
    """
    n = 0

    def counted() -> Iterator[tuple[int, Interaction]]:
        nonlocal n
        for interaction in interactions:
            yield n, interaction
            n += 1

    def order(numbered: tuple[int, Interaction]) -> tuple[int, int]:
        return numbered[1].round, key(config.seed, "interactions", numbered[1].id)

    assert config.n_interactions is not None
    first = heapq.nsmallest(config.n_interactions, counted(), key=order)
    if n > len(first):
        report.dropped["interactions beyond data.n_interactions"] += n - len(first)
    for _, interaction in sorted(first, key=itemgetter(0)):
        yield interaction


def _once(interactions: Iterable[Interaction], report: SourceReport) -> Iterator[Interaction]:
    """Yield each interaction once; those of different runs may share their ids."""
    contents = Distinct()
    for interaction in interactions:
        if contents.add(content_hash(interaction)):
            yield interaction
        else:
            report.dropped["the same interaction twice"] += 1


_group: TypeAdapter[RatedGroup] = TypeAdapter(RatedGroup)
_CONTENT: TypeAdapter[Any] = TypeAdapter(tuple[Conversation, int, tuple[Candidate, ...]])


def _groups(rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[RatedGroup]:
    for place, row in rows:
        try:
            yield _group.validate_python(row)
        except ValidationError as error:
            raise UserError(f"{place}: {first_problem(error)}") from error


def _with_unique_id(group: RatedGroup, taken: Distinct) -> RatedGroup:
    """Return the group, with a number behind its id if another source has a group of that id."""
    name, number = group.id, 1
    while not taken.add(name.encode()):
        number += 1
        name = f"{group.id}#{number}"
    return group if name == group.id else replace(group, id=name)


def _check_scales(scales: Mapping[int, str]) -> None:
    """Raise UserError if there is more than one scale; `scales` names a source of each."""
    if len(scales) > 1:
        (low, one), (high, other) = sorted(scales.items())[:2]
        raise UserError(
            f"data.sources: {one} is rated on 1..{low} and {other} on 1..{high}; ratings of one "
            "scale at a time (rating_scale of a source is the scale of its pairs)"
        )


def _shares(config: DataConfig, sizes: Sequence[int]) -> list[int]:
    """Return how many groups of each source are kept."""
    weights = [source.weight for source in config.sources or ()]
    present = [weight for weight in weights if weight is not None]
    if not present:
        return list(sizes)
    # The source with the fewest groups for its weight decides.
    unit = min(size / weight for size, weight in zip(sizes, present, strict=True) if weight)
    return [
        min(size, max(1, round(unit * weight))) if weight else 0
        for size, weight in zip(sizes, present, strict=True)
    ]
