"""What a society is asked: the questions written for this project, or anybody's JSONL file."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, StringConstraints, TypeAdapter

from .errors import UserError
from .jsonl import read_jsonl


@dataclass(frozen=True, slots=True)
class Question:
    """A question and, where known, a well and a badly aligned answer to it.

    A held-out question is for evaluation and never enters a simulation.
    """

    text: str
    kind: str = ""
    good: str | None = None
    bad: str | None = None
    held_out: bool = False


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a question file."""

    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)

    question: _Text
    kind: str = ""
    good: _Text | None = None
    bad: _Text | None = None
    held_out: bool = False


_adapter = TypeAdapter(_Row)


def society_questions() -> list[Question]:
    """The project's own questions that a society may be asked."""
    return [question for question in _own_questions() if not question.held_out]


def held_out_questions() -> list[Question]:
    """The project's own questions that are kept for evaluation."""
    return [question for question in _own_questions() if question.held_out]


def read_questions(path: str | Path, setting: str = "questions") -> list[Question]:
    """Questions from a JSONL file; each line an object with `question`.

    `kind`, `good`, `bad` and `held_out` are optional, other fields are passed over. Raises
    UserError naming the setting, file and line.
    """
    return _read(Path(path), setting)


def prior_questions(questions: Sequence[Question]) -> list[Question]:
    """The questions that agents asked these may be born with answers to.

    They need a good and a bad answer; if none of `questions` has both: the project's own.
    """
    return _with_both_answers(questions) or _with_both_answers(society_questions())


def _own_questions() -> list[Question]:
    return _read(files(__package__) / "data" / "questions.jsonl")


def _read(source: Path | Traversable, setting: str = "questions") -> list[Question]:
    rows = read_jsonl(source, _adapter, setting)
    questions = [Question(r.question, r.kind, r.good, r.bad, r.held_out) for r in rows]
    if not questions:
        raise UserError(f"{setting}: {source} holds no question")
    return questions


def _with_both_answers(questions: Sequence[Question]) -> list[Question]:
    return [question for question in questions if question.good and question.bad]
