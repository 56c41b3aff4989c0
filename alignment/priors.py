"""Prior memories from any labelled file, or from preference pairs in the form of HH-RLHF."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.jsonl import read_jsonl
from social_sandbox.envs.questions import Question, read_questions

_HUMAN, _ASSISTANT = "\n\nHuman:", "\n\nAssistant:"


def read_priors(source: str) -> list[Question]:
    """Questions with a good and a bad answer each, for agents to be born with.

    `source` is a JSONL file whose lines have `question`, `good` and `bad`, or `chosen` and
    `rejected` (whole dialogues, or replies to a `prompt`); or, where no such file exists, the hub
    id of a preference dataset, such as `Anthropic/hh-rlhf`. Chosen replies are the good answers.

    Raises UserError naming the file and the line, or the id.
    """
    path = Path(source)
    if not path.exists() and not source.startswith((".", "/", "~")) and source.count("/") == 1:
        return _with_both(_pairs(_hub(source), source), source)
    rows = list(read_jsonl(path, TypeAdapter(dict[str, Any]), "priors"))
    if rows and "chosen" in rows[0]:
        return _with_both(_pairs(rows, source), source)
    return _with_both(read_questions(path), source)


def _with_both(questions: Iterable[Question], source: str) -> list[Question]:
    both = [q for q in questions if q.good and q.bad and not q.held_out]
    if not both:
        raise UserError(f"priors: {source} has no question with a good and a bad answer")
    return both


def _pairs(rows: Iterable[Mapping[str, Any]], source: str) -> Iterator[Question]:
    for number, row in enumerate(rows, start=1):
        chosen, rejected = row.get("chosen"), row.get("rejected")
        if not isinstance(chosen, str) or not isinstance(rejected, str):
            raise UserError(f"priors: {source}, line {number}: needs texts chosen and rejected")
        dialogue = row.get("prompt")
        if isinstance(dialogue, str):
            good, bad = chosen.strip(), rejected.strip()
        else:
            # Whole dialogues differ in the last reply only.
            dialogue, _, good = chosen.rpartition(_ASSISTANT)
            bad = rejected.rpartition(_ASSISTANT)[2]
        question = dialogue.rpartition(_HUMAN)[2].partition(_ASSISTANT)[0].strip()
        if question and good.strip() and bad.strip() and good.strip() != bad.strip():
            yield Question(question, good=good.strip(), bad=bad.strip())


def _hub(name: str) -> Iterator[Mapping[str, Any]]:
    from datasets import load_dataset

    try:
        yield from load_dataset(name, split="train")
    except Exception as error:
        reason = str(error).split("\n")[0]
        raise UserError(f"priors: cannot load {name} from the hub: {reason}") from error
