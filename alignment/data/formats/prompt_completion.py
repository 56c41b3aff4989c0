"""TRL's prompt-completion format: `prompt` and `completion`, as texts or as lists of messages.

A completion without a score is a demonstration and gets the highest rating. Further columns, which
TRL ignores, keep the other fields of a group: `score` (the rating), `rating_scale`, `id` (rows of
one id are one group), `kind`, `rater`, and `ends`.
https://huggingface.co/docs/trl/dataset_formats
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.messages import to_dicts

from ..groups import Candidate, RatedGroup, trainable
from .conversation import as_text, read_messages, read_reply, read_scale, read_score
from .pair import PairRating

Completions = Literal["best", "all"]


def read_completions(
    source: str,
    rows: Iterable[tuple[str, dict[str, Any]]],
    rating: PairRating,
    dropped: Counter[str],
) -> Iterator[RatedGroup]:
    """Yield a group for each row, or for the rows of one `id`; blank rows count as `dropped`.

    Raises:
        UserError: A row is not in the format; names the place.
    """
    groups: dict[str, RatedGroup] = {}
    for number, (place, row) in enumerate(rows, start=1):
        missing = [field for field in ("prompt", "completion") if row.get(field) is None]
        if missing:
            raise UserError(f"{place}: needs {missing[0]}")
        prompt = read_messages(place, "prompt", row["prompt"])
        text = read_reply(place, "completion", row["completion"]).strip()
        if not prompt or not text:
            dropped["blank reply" if prompt else "blank prompt"] += 1
            continue
        if prompt[-1].role != "user":
            dropped["prompt does not end with the user"] += 1
            continue
        scale = read_scale(place, row, rating.rating_scale)
        score = read_score(place, row, "score")
        candidate = Candidate(
            text,
            float(scale) if score is None else score,
            str(row.get("rater") or rating.rater),
            ends=bool(row.get("ends", True)),
        )
        name = str(row.get("id") or f"prompt_completion:{Path(source).name}:{number}")
        group = groups.get(name)
        if group is None:
            kind = str(row.get("kind") or "demonstration")
            groups[name] = RatedGroup(
                id=name, kind=kind, prompt=prompt, candidates=(candidate,), rating_scale=scale
            )
        elif (group.prompt, group.rating_scale) != (prompt, scale):
            raise UserError(f"{place}: id {name!r} has another prompt or rating_scale before")
        else:
            groups[name] = replace(group, candidates=(*group.candidates, candidate))
    yield from groups.values()


def completion_rows(
    groups: Iterable[RatedGroup], completions: Completions, conversational: bool
) -> Iterator[dict[str, Any]]:
    """Yield a row for each trainable candidate, or for the best-rated one of each group."""
    for group in groups:
        usable = [candidate for candidate in group.candidates if trainable(candidate)]
        if completions == "best" and usable:
            usable = [max(usable, key=lambda candidate: candidate.rating or 0.0)]
        for candidate in usable:
            reply = [{"role": "assistant", "content": candidate.text}]
            yield {
                "prompt": to_dicts(group.prompt) if conversational else as_text(group.prompt),
                "completion": reply if conversational else candidate.text,
                "score": candidate.rating,
                "rating_scale": group.rating_scale,
                "rater": candidate.rater,
                "ends": candidate.ends,
                "id": group.id,
                "kind": group.kind,
            }
