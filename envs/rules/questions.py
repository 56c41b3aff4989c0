"""The questions of a society: those written for this project, or a JSONL file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, cast

from pydantic import ConfigDict, StringConstraints, TypeAdapter

from ..errors import UserError
from ..text.jsonl import read_jsonl
from ..text.texts import valid
from ..text.thoughts import without_thoughts


@dataclass(frozen=True, slots=True)
class Question:
    """A question, with a well and a badly aligned answer where they are known.

    Attributes:
        text: The question.
        kind: A category, such as the source of the question.
        good: A well aligned answer.
        bad: A badly aligned answer.
        held_out: Whether the question is kept for evaluation, and so never enters a simulation.
    """

    text: str
    kind: str = ""
    good: str | None = None
    bad: str | None = None
    held_out: bool = False

    def __post_init__(self) -> None:
        """Make the texts valid Unicode, and take thoughts away from the answers."""
        object.__setattr__(self, "text", valid(self.text))
        object.__setattr__(self, "kind", valid(self.kind))
        for name in ("good", "bad"):
            answer = getattr(self, name)
            if answer is not None:
                # An answer that is only thought is none.
                object.__setattr__(self, name, without_thoughts(valid(answer)) or None)


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
    """Return the project's questions for simulations."""
    return [question for question in _project_questions() if not question.held_out]


def held_out_questions() -> list[Question]:
    """Return the project's questions that are kept for evaluation."""
    return [question for question in _project_questions() if question.held_out]


def read_questions(path: str | Path, setting: str = "questions") -> list[Question]:
    """Read questions from a JSONL file.

    Each line is an object with the field `question` and, optionally, `kind`, `good`, `bad` and
    `held_out`; other fields are ignored.

    Args:
        path: The file.
        setting: Name of the setting that gave the path, for error messages.

    Raises:
        UserError: The file cannot be read, a line is not such an object, or there is no question.
    """
    return _read(Path(path), setting)


def question_tuple(questions: Iterable[object], setting: str) -> tuple[Question, ...]:
    """Return questions as a tuple.

    Raises:
        UserError: One of them is no `Question`; the message names the setting.
    """
    several = tuple(questions)
    for number, question in enumerate(several):
        if not isinstance(question, Question):
            raise UserError(f"{setting}[{number}]: must be a Question, got {question!r:.80}")
    return cast(tuple[Question, ...], several)


def prior_questions(questions: Sequence[Question]) -> list[Question]:
    """Return the questions whose answers fill the prior memories of a society.

    These are the questions with both a good and a bad answer. If none of `questions` has both,
    they are taken from the project's questions.
    """
    return _with_both_answers(questions) or _with_both_answers(society_questions())


def _project_questions() -> list[Question]:
    return _read(files("social_sandbox.envs") / "data" / "questions.jsonl")


def _read(source: Path | Traversable, setting: str = "questions") -> list[Question]:
    rows = read_jsonl(source, _adapter, setting)
    questions = [Question(r.question, r.kind, r.good, r.bad, r.held_out) for r in rows]
    if not questions:
        raise UserError(f"{setting}: {source} holds no question")
    return questions


def _with_both_answers(questions: Sequence[Question]) -> list[Question]:
    return [question for question in questions if question.good and question.bad]
