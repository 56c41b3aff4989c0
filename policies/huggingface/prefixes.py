"""Shared reading of prompts: tokens at the beginning of several prompts are computed once.

All agents who rate one draft get the same rubric, question and answer at the beginning of their
prompts. Long prompts consist mostly of this part, and reading costs as much as writing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

Row = list[int]
"""Token ids of a prompt."""

LEAST = 16
"""The least number of tokens that prompts have to share."""
WORTH = 2.5
"""The least saving of a level, in passes through the model: it costs a pass and a copy of the
cache."""


@dataclass(frozen=True, slots=True)
class Level:
    """One pass, in which each row continues a row of the pass before.

    Attributes:
        parents: Index of the continued row, for each row.
        segments: Token ids to be read, for each row; a segment may be empty.
        members: Index of a prompt that begins with the row, for each row.
    """

    parents: Sequence[int]
    segments: Sequence[Row]
    members: Sequence[int]


@dataclass(frozen=True, slots=True)
class Read:
    """Prompts that have been read, one in each row, with padding anywhere but at the end.

    Attributes:
        logits: Logits behind the last tokens: (rows, keep, vocabulary), or (positions, vocabulary)
            if `keep` was a number for each prompt.
        cache: Key/value cache of the same width as `ids`.
        ids: Token ids of shape (rows, width).
        mask: 1 for tokens and 0 for padding, of shape (rows, width).
    """

    logits: torch.Tensor
    cache: Any
    ids: torch.Tensor
    mask: torch.Tensor


def levels(
    rows: Sequence[Row], kinds: Sequence[object], keep: int = 1, *, a_pass: float
) -> list[Level]:
    """Return the passes that read prompts; the last one has a row for each prompt, in order.

    Args:
        rows: The prompts, each of at least `keep` tokens.
        kinds: Kind of each prompt; only prompts of one kind share tokens.
        keep: Number of tokens at the end of each prompt that are not shared.
        a_pass: Fixed cost of a pass, in tokens (padding included).
    """
    # A state stands for a row of the last pass: the prompts that begin with it, and its length.
    states: list[tuple[list[int], int]] = []
    for kind in dict.fromkeys(kinds):
        states.append(([at for at, other in enumerate(kinds) if other == kind], 0))
    plan: list[Level] = []
    while True:
        split = [
            (parent, members, end)
            for parent, (prompts, start) in enumerate(states)
            for members, end in _clusters(rows, prompts, start, keep)
        ]
        segments = [rows[members[0]][states[parent][1] : end] for parent, members, end in split]
        new_states = [(members, end) for _, members, end in split]
        cost = len(split) * max(map(len, segments))
        saved = _remaining_tokens(rows, states) - _remaining_tokens(rows, new_states) - cost
        if saved < WORTH * a_pass:
            break
        plan.append(
            Level(
                [parent for parent, *_ in split], segments, [members[0] for _, members, _ in split]
            )
        )
        states = new_states
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
    """Read prompts, pass by pass.

    Args:
        model: A causal language model of transformers.
        plan: The passes, see `levels`.
        pad: Id of the padding token.
        keep: Number of tokens at the end behind which logits are returned: one number for all
            prompts, or one for each prompt.
        cache: Whether to keep the key/value cache of the last pass.
        by_row: Returns further arguments of the model for rows with these members.
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
        new_ids, new_mask = padded(level.segments, pad, device)
        ids, mask = torch.cat([ids, new_ids], dim=1), torch.cat([mask, new_mask], dim=1)
        output = model(
            input_ids=new_ids,
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0)[:, -new_ids.shape[1] :],
            cache=past,
            use_cache=cache or not last,
            logits_to_keep=_logits_to_keep(keep, new_ids) if last else 1,
            **by_row(level.members),
        )
        past = output.cache
    return Read(output.logits, past, ids, mask)


def _logits_to_keep(keep: int | Sequence[int], ids: torch.Tensor) -> int | torch.Tensor:
    """Return the argument of the same name: a number, or a mask of shape (rows, width)."""
    if isinstance(keep, int):
        return keep
    from_end = torch.arange(ids.shape[1], 0, -1, device=ids.device)
    return from_end <= torch.tensor(keep, device=ids.device)[:, None]


def padded(
    rows: Sequence[Row], pad: int, device: torch.device | str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and mask of shape (rows, length of the longest), padded on the left."""
    width = max(map(len, rows))
    ids = [[*[pad] * (width - len(row)), *row] for row in rows]
    mask = [[*[0] * (width - len(row)), *[1] * len(row)] for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _remaining_tokens(rows: Sequence[Row], states: Sequence[tuple[list[int], int]]) -> int:
    """Return the tokens of a last pass, padding included, in which nothing more is shared."""
    remaining = [len(rows[at]) - start for members, start in states for at in members]
    return len(remaining) * max(remaining)


def _clusters(
    rows: Sequence[Row], prompts: Sequence[int], start: int, keep: int
) -> Iterator[tuple[list[int], int]]:
    """Divide prompts with a common beginning into groups with a longer common beginning.

    Args:
        rows: All prompts.
        prompts: Indices of the prompts with a common beginning.
        start: Length of the common beginning.
        keep: Number of tokens at the end of each prompt that are not shared.

    Yields:
        The prompts of a group, and the length of their common beginning.
    """
    order = sorted(prompts, key=lambda at: rows[at][start:])
    shared = [
        min(_common(rows[one], rows[other]), len(rows[one]) - keep, len(rows[other]) - keep)
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


def _common(one: Row, other: Row) -> int:
    """Return the number of tokens that two prompts share at their beginning."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))
