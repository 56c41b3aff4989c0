"""TRL's preference format: `prompt`, `chosen`, `rejected`, as texts or as lists of messages.

Further columns, which TRL ignores, keep the other fields of a group: `score_chosen` and
`score_rejected` (the ratings), `rating_scale`, `id`, `kind`, and whether each reply is complete.
https://huggingface.co/docs/trl/dataset_formats
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from social_sandbox.envs.text.messages import to_dicts

from ..groups import RatedGroup
from ..pairs import Pairing, make_pairs
from .conversation import LeftOut, as_text, read_exchange, read_flag, read_scale, read_score
from .pair import PairRating, pair_group


def read_preferences(
    source: str,
    rows: Iterable[tuple[str, dict[str, Any]]],
    rating: PairRating,
    dropped: Counter[str],
) -> Iterator[RatedGroup]:
    """Yield a group for each pair; rows that are no pairs are counted in `dropped`.

    Without `prompt`, the two lists of messages must differ in the last message alone.

    Raises:
        UserError: A row is not in the format; names the place.
    """
    for number, (place, row) in enumerate(rows, start=1):
        try:
            prompt, (chosen, rejected) = read_exchange(place, row, ("chosen", "rejected"))
        except LeftOut as reason:
            dropped[str(reason)] += 1
            continue
        scores = (
            read_score(place, row, "score_chosen"),
            read_score(place, row, "score_rejected"),
        )
        group = pair_group(
            str(row.get("id") or f"preference:{Path(source).name}:{number}"),
            str(row.get("kind") or "preference"),
            prompt,
            (chosen, rejected),
            replace(rating, rating_scale=read_scale(place, row, rating.rating_scale)),
            dropped,
            scores,
            (
                read_flag(place, row, "chosen_ends") is not False,
                read_flag(place, row, "rejected_ends") is not False,
            ),
        )
        if group:
            yield group


def preference_rows(
    groups: Iterable[RatedGroup], pairs: Pairing, min_gap: float, conversational: bool
) -> Iterator[dict[str, Any]]:
    """Yield a row for each pair of candidates whose ratings differ by `min_gap` or more."""
    for group in groups:
        for place, pair in enumerate(make_pairs([group], pairs, min_gap)):
            better, worse = pair.chosen, pair.rejected
            replies = [
                [{"role": "assistant", "content": c.text}] if conversational else c.text
                for c in (better, worse)
            ]
            yield {
                "prompt": to_dicts(group.prompt) if conversational else as_text(group.prompt),
                "chosen": replies[0],
                "rejected": replies[1],
                "score_chosen": better.rating,
                "score_rejected": worse.rating,
                "rating_scale": group.rating_scale,
                "chosen_ends": better.ends,
                "rejected_ends": worse.ends,
                "id": f"{group.id}/{place}" if place else group.id,
                "kind": group.kind,
            }
