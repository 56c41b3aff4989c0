"""Prompts that begin alike are read once up to where they part, and then each on its own.

What is asked about one draft begins with the same rubric, question and answer for all who rate
it: on long prompts that is most of the reading, and reading costs as much as writing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

Row = list[int]
"""Token ids of a prompt."""

LEAST = 16
"""Tokens that prompts have to share for it to count."""
WORTH = 2.5
"""What a level has to save, in passes through the model: its own, and the copy of the cache."""


@dataclass(frozen=True, slots=True)
class Level:
    """One pass: each of its rows goes on where a row of the pass before ended.

    `parents` and `segments` are by row; a segment may be empty. `members` names for each row a
    prompt that begins with it.
    """

    parents: Sequence[int]
    segments: Sequence[Row]
    members: Sequence[int]


@dataclass(frozen=True, slots=True)
class Read:
    """Prompts that have been read, one a row; padding may stand anywhere but at the end.

    `logits` are those behind the last tokens, (rows, keep, vocabulary), or (wanted, vocabulary)
    where it was said which; `ids` and `mask` are (rows, width); the key/value cache has this width
    too.
    """

    logits: torch.Tensor
    cache: Any
    ids: torch.Tensor
    mask: torch.Tensor


def levels(
    rows: Sequence[Row], kinds: Sequence[object], keep: int = 1, *, a_pass: float
) -> list[Level]:
    """How to read prompts; the last level has a row for each, in their order.

    Args:
        rows: the prompts, of more than `keep` tokens or exactly as many.
        kinds: prompts share only with those of their kind.
        keep: so many tokens at the end are not shared.
        a_pass: what a pass costs besides its tokens, in tokens (padding is one too).
    """
    # A state: the prompts that are one row up to here, and how far.
    states: list[tuple[list[int], int]] = []
    for kind in dict.fromkeys(kinds):
        states.append(([at for at, own in enumerate(kinds) if own == kind], 0))
    plan: list[Level] = []
    while True:
        split = [
            (parent, members, end)
            for parent, (alike, start) in enumerate(states)
            for members, end in _clusters(rows, alike, start, keep)
        ]
        segments = [rows[members[0]][states[parent][1] : end] for parent, members, end in split]
        after = [(members, end) for _, members, end in split]
        one_pass = len(split) * max(map(len, segments))
        if _slots(rows, states) - _slots(rows, after) - one_pass < WORTH * a_pass:
            break
        plan.append(
            Level(
                [parent for parent, *_ in split], segments, [members[0] for _, members, _ in split]
            )
        )
        states = after
    leaves = {at: (state, start) for state, (members, start) in enumerate(states) for at in members}
    order = range(len(rows))
    plan.append(
        Level([leaves[at][0] for at in order], [rows[at][leaves[at][1] :] for at in order], order)
    )
    return plan


def read(
    model: Any,
    plan: Sequence[Level],
    pad: int,
    *,
    keep: int | Sequence[int] = 1,
    cache: bool = True,
    by_row: Callable[[Sequence[int]], dict[str, Any]] = lambda members: {},
) -> Read:
    """Read prompts, level by level.

    Args:
        model: a causal language model of transformers.
        plan: see `levels`.
        pad: the token to pad with.
        keep: logits are wanted behind so many tokens at the end: of every prompt, or of each.
        cache: whether the key/value cache is wanted.
        by_row: more arguments of the model for rows with these members.
    """
    device = model.device
    past: Any = None
    ids = mask = torch.zeros((len(plan[0].segments), 0), dtype=torch.long, device=device)
    for number, level in enumerate(plan):
        last = number == len(plan) - 1
        if past is not None:
            parents = torch.tensor(level.parents, device=device)
            past.batch_select_indices(parents)
            ids, mask = ids[parents], mask[parents]
        more, own = padded(level.segments, pad, device)
        ids, mask = torch.cat([ids, more], dim=1), torch.cat([mask, own], dim=1)
        output = model(
            input_ids=more,
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0)[:, -more.shape[1] :],
            cache=past,
            use_cache=cache or not last,
            logits_to_keep=_wanted(keep, more) if last else 1,
            **by_row(level.members),
        )
        past = output.cache
    return Read(output.logits, past, ids, mask)


def _wanted(keep: int | Sequence[int], ids: torch.Tensor) -> int | torch.Tensor:
    """Where logits are made, as models of transformers take it: a number, or (rows, width)."""
    if isinstance(keep, int):
        return keep
    from_end = torch.arange(ids.shape[1], 0, -1, device=ids.device)
    return from_end <= torch.tensor(keep, device=ids.device)[:, None]


def padded(
    rows: Sequence[Row], pad: int, device: torch.device | str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and mask of shape (rows, length of the longest), padded on the left."""
    width = max(map(len, rows))
    ids = [[*[pad] * (width - len(row)), *row] for row in rows]
    mask = [[*[0] * (width - len(row)), *[1] * len(row)] for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _slots(rows: Sequence[Row], states: Sequence[tuple[list[int], int]]) -> int:
    """What the last pass would compute, padding included, if every prompt went on by itself."""
    left = [len(rows[at]) - start for members, start in states for at in members]
    return len(left) * max(left)


def _clusters(
    rows: Sequence[Row], alike: Sequence[int], start: int, keep: int
) -> Iterator[tuple[list[int], int]]:
    """Parts of prompts that are alike up to `start`, each with how far it stays alike."""
    order = sorted(alike, key=lambda at: rows[at][start:])
    shared = [
        min(_alike(rows[one], rows[other]), len(rows[one]) - keep, len(rows[other]) - keep)
        for one, other in pairwise(order)
    ]
    cluster, end = [order[0]], start
    for at, common in zip(order[1:], shared, strict=True):
        if common - start >= LEAST:
            end = common if len(cluster) == 1 else min(end, common)
            cluster.append(at)
        else:
            yield cluster, end
            cluster, end = [at], start
    yield cluster, end


def _alike(one: Row, other: Row) -> int:
    """How many tokens two prompts share at their beginning."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))
