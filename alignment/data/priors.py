"""Prior memories of agents, from labelled questions or from preference pairs as in HH-RLHF."""

from collections.abc import Iterable, Iterator
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.questions import Question, read_questions
from social_sandbox.policies.norms import find_norm
from social_sandbox.policies.norms.priors import norm_priors

from .formats.conversation import LeftOut, read_exchange
from .formats.dialogue import human_turns
from .formats.hh import read_row
from .formats.rows import is_hub_id, read_rows

NORM = "norm:"
"""What stands before the name of a norm whose followers and breakers the priors are."""


def read_priors(source: str) -> list[Question]:
    """Return questions with a good and a bad answer each, which agents remember from the start.

    Args:
        source: JSONL file whose lines have `question`, `good` and `bad`, or `chosen` and
            `rejected` (whole dialogues, or replies to a `prompt`); or, where no such file exists,
            the hub id of a preference data set, such as `Anthropic/hh-rlhf`. Chosen replies are
            the good answers. `norm:` and the name of a norm, such as `norm:asks_back`, means
            answers that follow the norm, and the same answers in a form that breaks it.

    Raises:
        UserError: The source cannot be read, or has no question with both answers; names the file
            with the line, or the id.
    """
    if source.startswith(NORM):
        norm = find_norm(source.removeprefix(NORM), "priors")
        return _with_both(norm_priors(norm), source)
    rows = list(read_rows(source, "priors"))
    if is_hub_id(source) or (rows and "chosen" in rows[0][1]):
        return _with_both(_pairs(rows), source)
    return _with_both(read_questions(source, "priors"), source)


def _with_both(questions: Iterable[Question], source: str) -> list[Question]:
    both = [q for q in questions if q.good and q.bad and not q.held_out]
    if not both:
        raise UserError(f"priors: {source} has no question with a good and a bad answer")
    return both


def _pairs(rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Question]:
    for place, row in rows:
        if isinstance(row.get("chosen"), list):
            try:
                conversation, (good, bad) = read_exchange(place, row, ("chosen", "rejected"))
            except LeftOut:
                continue
            question = conversation[-1].content if conversation else ""
        else:
            # Dialogues that differ before the last reply serve as memories, too.
            dialogue, good, bad, _ = read_row(place, row)
            question = human_turns(dialogue)[-1]
        if question and good and bad and good != bad:
            yield Question(question, good=good, bad=bad)
