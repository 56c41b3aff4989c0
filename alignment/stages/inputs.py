"""Inputs of the stages: the files and the base model that settings name."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.questions import Question, held_out_questions, read_questions
from social_sandbox.envs.text.file_kinds import HEAD, wrong_kind
from social_sandbox.envs.text.jsonl import OBJECT, read_jsonl

from ..runtime.stage import file_hash
from .settings import Settings

if TYPE_CHECKING:
    from social_sandbox.policies.norms import Norm


def input_hash(path: str | Path | None, setting: str) -> str | None:
    """Return the hash of an input file's content, which stands for the file in a stage's record.

    Raises:
        UserError: The file cannot be read; the message names `setting`.
    """
    if path is None:
        return None
    try:
        return file_hash(Path(path))
    except OSError as error:
        raise UserError(f"{setting}: cannot read {path}: {error.strerror}") from error


def check_readable(path: str | Path | None, setting: str) -> None:
    """Raise UserError, naming `setting`, for a file that cannot be opened or holds no data."""
    if path is None:
        return
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise UserError(f"{setting}: cannot read {path}: {error.strerror}") from error
    if kind := wrong_kind(head, str(path)):
        raise UserError(f"{setting}: {path} is {kind}")


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, or None if there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def read_rows(path: Path, setting: str) -> list[dict[str, Any]]:
    """Return the rows of a file with one JSON object a line.

    Raises:
        UserError: The file cannot be read; the message names `setting` and the line.
    """
    return list(read_jsonl(path, OBJECT, setting))


def evaluation_questions(settings: Settings) -> Sequence[Question]:
    """Return the held-out questions that the run evaluates on.

    Raises:
        UserError: `evaluate.questions` cannot be read.
    """
    path = settings.evaluate.questions
    if path is None:
        return held_out_questions()
    questions = read_questions(path, "evaluate.questions")
    # A file in which no question is marked as held out was made for this purpose.
    return [question for question in questions if question.held_out] or questions


def asked_questions(settings: Settings) -> Sequence[Question]:
    """Return as many held-out questions as the run asks, at equal distances in their list."""
    questions, wanted = evaluation_questions(settings), settings.evaluate.n_questions
    if wanted is None or wanted >= len(questions):
        return questions
    return [questions[place * len(questions) // wanted] for place in range(wanted)]


def base_tokenizer(settings: Settings) -> Any:
    """Return the tokenizer of the base model, with the configured chat template.

    Raises:
        UserError: The tokenizer or the template cannot be read, or the template loses messages;
            the message names `base_model` or `chat_template`.
    """
    from social_sandbox.policies.huggingface.shared_model import load_tokenizer
    from social_sandbox.policies.huggingface.text.chat_template import check_template, use_template

    tokenizer = load_tokenizer(settings.base_model, "base_model")
    if settings.chat_template is not None:
        use_template(tokenizer, settings.chat_template)
    check_template(tokenizer)
    return tokenizer


def own_norms_of(settings: Settings) -> "tuple[Norm, ...]":
    """Return the norms that the benchmark of norms counts beside this project's.

    Raises:
        UserError: There is no such norm, or two norms have one name.
    """
    from social_sandbox.policies.norms.recipes import norms_of

    from ..evaluation.benchmarks.norms import own_norms

    return own_norms(settings.evaluate.norms, norms_of(settings.observer))
