"""The format in which the paper's authors released their data.

A JSON array, or JSON lines, of objects with `query`, `responses`, `scores` and, where known,
`model` or `models`. Their scores mark what could not be parsed as -1 or 8: here such a score is
missing. Their collect_data.py puts each query into the frame of Alpaca's prompts, which is taken
off: https://github.com/agi-templar/Stable-Alignment/blob/main/collect_data.py
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import MIN_RATING, RATING_SCALE
from social_sandbox.envs.text.jsonl import first_problem
from social_sandbox.envs.text.messages import Message

from ..groups import Candidate, RatedGroup, Source, trainable
from .conversation import as_text
from .dialogue import without_run_on

_FRAME = re.compile(
    r"\s*(?:Below is an instruction[^\n]*\n+)?### Instruction:\s*\n(?P<instruction>.*?)"
    r"(?:\n+### Input:\s*\n(?P<input>.*?))?(?:\n+### Response:\s*)?",
    re.DOTALL,
)


def without_frame(query: str) -> str:
    """Return what a query in the frame of Alpaca's prompts asks; another query stays as it is."""
    found = _FRAME.fullmatch(query.replace("\r\n", "\n"))
    if found is None:
        return query
    parts = (found["instruction"], found["input"])
    return "\n\n".join(part.strip() for part in parts if part and part.strip())


_Names = list[str | None] | str | None


@checked_dataclass(frozen=True, slots=True)
class _Row:
    query: str
    responses: list[str | None]
    scores: list[float | None]
    model: _Names = None
    models: _Names = None


_adapter = TypeAdapter(_Row)


def read_authors(source: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[RatedGroup]:
    """Yield a group for each row.

    Raises:
        UserError: A row is not in the format; names the place.
    """
    for number, (place, row) in enumerate(rows, start=1):
        try:
            checked = _adapter.validate_python(row)
        except ValidationError as error:
            raise UserError(f"{place}: {first_problem(error)}") from error
        if len(checked.responses) != len(checked.scores):
            raise UserError(
                f"{place}: {len(checked.responses)} responses but {len(checked.scores)} scores"
            )
        yield _to_group(f"authors:{Path(source).name}:{number}", checked)


def authors_rows(groups: Iterable[RatedGroup]) -> Iterator[dict[str, Any]]:
    """Yield a row for each group, without candidates that cannot be trained on.

    Raises:
        UserError: A group has another rating scale, for which the format has no field.
    """
    for group in groups:
        if group.rating_scale != RATING_SCALE:
            raise UserError(
                f"export.to: the authors' format is rated on 1..{RATING_SCALE}, and group "
                f"{group.id} on 1..{group.rating_scale}"
            )
        rated = [candidate for candidate in group.candidates if trainable(candidate)]
        if rated:
            yield {
                "query": as_text(group.prompt),
                "responses": [candidate.text for candidate in rated],
                "scores": [candidate.rating for candidate in rated],
                "model": [candidate.source.agent for candidate in rated],
            }


def _to_group(name: str, row: _Row) -> RatedGroup:
    models = row.models or row.model
    names = models if isinstance(models, list) else [models] * len(row.responses)
    names = [*names, *[None] * (len(row.responses) - len(names))]
    texts = [without_run_on(text or "") for text in row.responses]
    return RatedGroup(
        id=name,
        kind="authors",
        prompt=(Message("user", without_frame(row.query)),),
        candidates=tuple(
            Candidate(
                text,
                score if score is not None and MIN_RATING <= score <= RATING_SCALE else None,
                valid=bool(text.strip()),
                source=Source(agent=model or ""),
            )
            for text, score, model in zip(texts, row.scores, names, strict=False)
        ),
    )
