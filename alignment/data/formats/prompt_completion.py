"""TRL's prompt-completion format: `prompt` and `completion`, as texts or as lists of messages.

A row may instead have a whole conversation in `messages`, or in ShareGPT's `conversations`, whose
last message is the completion. TRL's unpaired preferences have a `label` too: a completion with
`label: false` gets the lowest rating, and labelled rows of one prompt are one group. A completion
without label and score is a demonstration and gets the highest rating. Further columns, which TRL
ignores, keep the other fields of a group: `score` (the rating), `rating_scale`, `id` (rows of one
id are one group), `kind`, `rater`, and `ends`.
https://huggingface.co/docs/trl/dataset_formats
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import MIN_RATING
from social_sandbox.envs.text.messages import Conversation, to_dicts

from ..groups import Candidate, RatedGroup, demonstration, trainable
from ..storage.on_disk import Bundles
from .conversation import (
    LeftOut,
    as_text,
    read_exchange,
    read_flag,
    read_messages,
    read_scale,
    read_score,
    with_system,
)
from .pair import PairRating, why_unusable

Completions = Literal["best", "all"]

_GROUP: TypeAdapter[RatedGroup] = TypeAdapter(RatedGroup)
_CANDIDATE: TypeAdapter[Candidate] = TypeAdapter(Candidate)
_ASKED: TypeAdapter[tuple[Conversation, int]] = TypeAdapter(tuple[Conversation, int])


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
    groups, labelled = Bundles(), Bundles()
    for number, (place, row) in enumerate(rows, start=1):
        try:
            prompt, text = _exchange(place, row)
            scale = read_scale(place, row, rating.rating_scale)
            score = _rating(place, row, scale)
            if reason := why_unusable(prompt, text):
                raise LeftOut(reason)
        except LeftOut as left_out:
            dropped[str(left_out)] += 1
            continue
        candidate = Candidate(
            text,
            score,
            str(row.get("rater") or rating.rater),
            ends=read_flag(place, row, "ends") is not False,
        )
        name = str(row.get("id") or f"prompt_completion:{Path(source).name}:{number}")
        if "label" in row and not row.get("id"):
            asked = _ASKED.dump_json((prompt, scale))
            name = labelled.add(asked, name.encode()).decode()
        kind = str(row.get("kind") or ("unpaired" if "label" in row else "demonstration"))
        group = RatedGroup(id=name, kind=kind, prompt=prompt, candidates=(), rating_scale=scale)
        head = groups.add(name.encode(), _GROUP.dump_json(group), _CANDIDATE.dump_json(candidate))
        first = _GROUP.validate_json(head)
        if (first.prompt, first.rating_scale) != (prompt, scale):
            raise UserError(f"{place}: id {name!r} has another prompt or rating_scale before")
    for head, items in groups:
        candidates = tuple(map(_CANDIDATE.validate_json, items))
        yield replace(_GROUP.validate_json(head), candidates=candidates)


def _exchange(place: str, row: dict[str, Any]) -> tuple[Conversation, str]:
    """Return the prompt and the completion of a row."""
    if "completion" not in row:
        if "chosen" in row and "rejected" in row:
            raise UserError(
                f"{place}: needs completion (chosen and rejected are of kind preference)"
            )
        for field in ("messages", "conversations"):
            if row.get(field) is not None:
                *before, last = read_messages(place, field, row[field]) or (None,)
                if last is None or last.role != "assistant":
                    raise LeftOut("the last message is not the assistant's")
                return with_system(row, tuple(before)), last.content.strip()
    prompt, (text,) = read_exchange(place, row, ("completion",))
    return prompt, text.strip()


def _rating(place: str, row: dict[str, Any], scale: int) -> float:
    """Return the rating of a row's completion."""
    score = read_score(place, row, "score")
    if "label" not in row:
        return float(scale) if score is None else score
    label = read_flag(place, row, "label")
    if label is None:
        raise LeftOut("no label")
    if score is None:
        return float(scale if label else MIN_RATING)
    if not label and score > (MIN_RATING + scale) / 2:
        raise LeftOut("score contradicts label")
    return score


def completion_rows(
    groups: Iterable[RatedGroup], completions: Completions, conversational: bool
) -> Iterator[dict[str, Any]]:
    """Yield a row for each trainable candidate, or for the best-rated one of each group."""
    for group in groups:
        usable = [candidate for candidate in group.candidates if trainable(candidate)]
        if completions == "best":
            best = demonstration(group)
            usable = [] if best is None else [best]
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
