"""The format in which the paper's authors released their data.

A JSON array, or JSON lines, of objects with `query`, `responses`, `scores` and, where known,
`model`. Their scores mark what could not be parsed as -1 or 8: here such a score is missing.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.turns import MIN_RATING, RATING_SCALE

from .groups import Candidate, Message, RatedGroup, Source


@checked_dataclass(frozen=True, slots=True)
class _Row:
    query: str
    responses: list[str]
    scores: list[float]
    model: list[str] | str | None = None


_adapter = TypeAdapter(_Row)


def read_authors_file(path: str | Path) -> list[RatedGroup]:
    """Groups from a released file. Raises UserError naming the file and the row."""
    path = Path(path)
    groups = []
    for number, row in enumerate(_rows(path), start=1):
        where = f"data: {path}, row {number}"
        try:
            checked = _adapter.validate_python(row)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise UserError(f"{where}: {place}: {first['msg']}") from error
        if len(checked.responses) != len(checked.scores):
            raise UserError(
                f"{where}: {len(checked.responses)} responses but {len(checked.scores)} scores"
            )
        groups.append(_to_group(f"authors:{path.name}:{number}", checked))
    return groups


def write_authors_file(path: str | Path, groups: Iterable[RatedGroup]) -> None:
    """Write groups as a JSON array; what has no rating or is invalid is left out."""
    rows = []
    for group in groups:
        rated = [c for c in group.candidates if c.valid and c.rating is not None]
        if rated:
            rows.append(
                {
                    "query": _query(group.prompt),
                    "responses": [candidate.text for candidate in rated],
                    "scores": [candidate.rating for candidate in rated],
                    "model": [candidate.source.agent for candidate in rated],
                }
            )
    Path(path).write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")


def _rows(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"data: cannot read {path}: {error.strerror}") from error
    try:
        if text.lstrip().startswith("["):
            rows = json.loads(text)
            return list(rows)
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except json.JSONDecodeError as error:
        raise UserError(f"data: {path}, line {error.lineno}: not JSON ({error.msg})") from error


def _to_group(name: str, row: _Row) -> RatedGroup:
    models = row.model if isinstance(row.model, list) else [row.model or ""] * len(row.responses)
    models += [""] * (len(row.responses) - len(models))
    return RatedGroup(
        id=name,
        kind="authors",
        prompt=(Message("user", row.query),),
        candidates=tuple(
            Candidate(
                text,
                score if MIN_RATING <= score <= RATING_SCALE else None,
                valid=bool(text.strip()),
                source=Source(agent=model),
            )
            for text, score, model in zip(row.responses, row.scores, models, strict=False)
        ),
    )


def _query(prompt: Sequence[Message]) -> str:
    """A conversation as one text: a single message as it is, several with their speakers."""
    if len(prompt) == 1:
        return prompt[0].content
    return "\n\n".join(f"{message.role.title()}: {message.content}" for message in prompt)
