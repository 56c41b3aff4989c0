"""A study: answers that people judge, in which way, and their judgements so far.

Layout of `FOLDER/people`:

    study.json          `Study`: what is asked; written once
    items.jsonl         `Item`: the questions with the answers of the models; written once
    judgements.jsonl    `Judgement`: grows by a line for each judgement

Each judgement has the hash of its study, so that no judgement is read under another study.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.jsonl import (
    JsonlLog,
    first_problem,
    read_jsonl,
    read_text,
    write_jsonl,
    write_whole,
)

PEOPLE, STUDY, ITEMS, JUDGEMENTS = "people", "study.json", "items.jsonl", "judgements.jsonl"
"""The folder inside a run's folder, and the files in it."""

SCALE = 7
"""The highest rating; the lowest is 1."""

Tasks = Literal["pairs", "ratings", "both"]
Kind = Literal["pair", "rating"]
Role = Literal["main", "repeat", "check"]
Choice = Literal["left", "right", "tie"]

GOOD, BAD = "good", "bad"
"""The two answers of an attention check, in place of models."""


@dataclass(frozen=True, slots=True)
class Item:
    """A question with the answers that are judged.

    Attributes:
        id: Identifier, unique in the study.
        source: `held_out`, or the name of a benchmark.
        question: The question.
        kind: Category of the question.
        sample: Number of the sample among several answers of each model.
        answers: Answer by model.
        ratings: What the observer gave: by model and aspect (`alignment`, `engagement`).
        earlier: The conversation before the question: questions with answers.
    """

    id: str
    source: str
    question: str
    kind: str
    sample: int
    answers: dict[str, str]
    ratings: dict[str, dict[str, float | None]] = field(default_factory=dict)
    earlier: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Study:
    """What people are asked.

    Attributes:
        id: Hash of everything else, and of the items.
        models: Names of the models; the first is what the others are compared with.
        tasks: Pairs of answers to compare, answers to rate, or both.
        items: Number of questions that were asked for; 0: all.
        sources: Where the questions come from; empty: everywhere.
        seed: Seed of every draw and order.
        share_repeats: Share of the tasks that come a second time, pairs with their sides swapped.
        share_checks: Share of attention checks, relative to the tasks.
        scale: The highest rating.
    """

    models: tuple[str, ...]
    tasks: Tasks = "both"
    items: int = 20
    sources: tuple[str, ...] = ()
    seed: int = 0
    share_repeats: float = 0.1
    share_checks: float = 0.1
    scale: int = SCALE
    id: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one person answered to one task. Whoever passes over a task leaves no judgement.

    Attributes:
        id: Hash of rater and task: a task is counted once per rater.
        study: `Study.id`.
        rater: Name or random identifier of the person.
        task: Identifier of the task, the same for each rater who is asked the same.
        kind: `pair` or `rating`.
        role: `main`; `repeat` of a task that this rater has had before; or an attention `check`,
            whose two answers have the names `good` and `bad` instead of a model's.
        item: `Item.id`; for a check the check's own identifier.
        models: Whose answers were shown, from left to right: two of a pair, one to rate.
        choice: The better side of a pair, or `tie`; null for a rating.
        alignment, engagement: Ratings from 1 to `Study.scale`; null for a pair.
        seconds: How long the page was shown.
        at: Time in UTC, ISO 8601.
    """

    id: str
    study: str
    rater: str
    task: str
    kind: Kind
    role: Role
    item: str
    models: tuple[str, ...]
    choice: Choice | None = None
    alignment: int | None = None
    engagement: int | None = None
    seconds: float | None = None
    at: str = ""

    @property
    def winner(self) -> str | None:
        """The model whose answer is the better one; None for a tie and for a rating."""
        if self.choice is None or self.choice == "tie":
            return None
        return self.models[0 if self.choice == "left" else 1]

    @property
    def passed(self) -> bool | None:
        """Whether an attention check was passed; None for other tasks.

        The good answer of a pair must win; a good answer's alignment must be above the middle of
        the scale, and a bad one's below.
        """
        if self.role != "check":
            return None
        if self.kind == "pair":
            return self.winner == GOOD
        middle = (1 + SCALE) / 2
        rating = self.alignment or middle
        return rating > middle if self.models[0] == GOOD else rating < middle


@dataclass(frozen=True, slots=True)
class Record:
    """A study with its items, by identifier, and all judgements, the first per rater and task."""

    study: Study
    items: Mapping[str, Item]
    judgements: Sequence[Judgement]


_STUDY, _ITEM, _JUDGEMENT = TypeAdapter(Study), TypeAdapter(Item), TypeAdapter(Judgement)


def judgement_id(rater: str, task: str) -> str:
    """Return the identifier of what a rater answers to a task."""
    return _hash([rater, task])


def with_id(study: Study, items: Sequence[Item]) -> Study:
    """Return a study with its hash."""
    settings = {name: value for name, value in asdict(study).items() if name != "id"}
    identity = _hash([settings, [asdict(item) for item in items]])
    return Study(**{**settings, "id": identity})


def judgement_log(folder: Path) -> JsonlLog[Judgement]:
    """Return the log in the folder of a study."""
    return JsonlLog(folder / JUDGEMENTS, _JUDGEMENT, "judgements")


def write_study(folder: Path, study: Study, items: Iterable[Item]) -> None:
    """Write a study and its items; the study last, since its file says that all is there."""
    write_jsonl(folder / ITEMS, items, _ITEM)
    write_whole(folder / STUDY, json.dumps(asdict(study), ensure_ascii=False, indent=2) + "\n")


def read_study(folder: Path) -> tuple[Study, list[Item]] | None:
    """Return the study in a folder with its items; None if there is none.

    Raises:
        UserError: A file is damaged, or the items are of another study.
    """
    path = folder / STUDY
    if not path.exists():
        return None
    try:
        study = _STUDY.validate_json(read_text(path, "people"))
    except ValidationError as error:
        raise UserError(f"people: {path} is damaged: {first_problem(error)}") from error
    items = list(read_jsonl(folder / ITEMS, _ITEM, "people"))
    if with_id(study, items).id != study.id:
        raise UserError(
            f"people: {folder / ITEMS} is of another study than {STUDY} beside it, or was changed"
        )
    return study, items


def find_study(path: Path, setting: str) -> Path:
    """Return the folder of the study in the folder of a run, or in this folder or beside this file.

    Raises:
        UserError: There is no study; names the setting.
    """
    for folder in (path / PEOPLE, path, path.parent if path.is_file() else path):
        if (folder / STUDY).is_file():
            return folder
    raise UserError(
        f"{setting}: no {PEOPLE}/{STUDY} in {path}; people judge with: social-sandbox rate {path}"
    )


def read_record(folder: Path) -> Record:
    """Return the study in a folder with its judgements; needs no lock.

    Raises:
        UserError: There is no study, a file is damaged, or a judgement is of another study; names
            file and line.
    """
    found = read_study(folder)
    if found is None:
        raise UserError(
            f"people: no {STUDY} in {folder}; people judge with: social-sandbox rate "
            f"{folder.parent if folder.name == PEOPLE else folder}"
        )
    study, items = found
    return Record(study, {item.id: item for item in items}, read_judgements(folder, study))


def read_judgements(folder: Path, study: Study) -> list[Judgement]:
    """Return the judgements of a study, the first of each rater on each task.

    Raises:
        UserError: A line is damaged or of another study; names file and line.
    """
    log = judgement_log(folder)
    judgements: dict[str, Judgement] = {}
    for number, judgement in enumerate(log.read(), start=1):
        if judgement.study != study.id:
            raise UserError(
                f"judgements: {log.path}, line {number}, is of another study (other answers or "
                "settings); choose another --output"
            )
        judgements.setdefault(judgement.id, judgement)
    return list(judgements.values())


def _hash(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
