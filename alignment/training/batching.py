"""Rated groups -> token ids: what is read, what is learnt, and which candidates are drawn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from social_sandbox.envs.seeding import generator

from ..data.groups import Candidate, RatedGroup, trainable
from .encoding import IGNORED, Encoded, EncodedGroup, encode
from .packing import Packing, pack


def draw(group: RatedGroup, count: int, seed: int, epoch: int) -> tuple[Candidate, ...]:
    """At most `count` trainable candidates, in the group's order: the best and some lower-rated.

    The best is the first of the best-rated; its equals are left out, as the loss would not use
    them. The others change from epoch to epoch, and depend on (seed, epoch, group id) alone: a
    resumed run draws what the interrupted one would have drawn.
    """
    usable = [c for c in group.candidates if trainable(c)]
    ratings = [c.rating or 0.0 for c in usable]
    if not usable:
        return ()
    top = max(ratings)
    lower = [i for i, rating in enumerate(ratings) if rating < top]
    if len(lower) > count - 1:
        chosen = generator(seed, "candidates", epoch, group.id).permutation(len(lower))
        lower = [lower[i] for i in chosen[: count - 1]]
    return tuple(usable[i] for i in sorted([ratings.index(top), *lower]))


FILLER = -1
"""The number of a group of nothing, which makes a batch whole and adds nothing to its loss."""


class GroupDataset(Dataset[EncodedGroup]):
    """Groups to train on; an item is asked for by (epoch, number), of which `FILLER` is one.

    The epoch is part of the question, not of the data set's state, so that workers that keep a
    copy of the data set cannot lag behind.
    """

    def __init__(
        self,
        groups: Sequence[RatedGroup],
        tokenizer: Any,
        *,
        max_length: int,
        candidates_per_group: int,
        seed: int,
    ) -> None:
        self.groups = groups
        self.tokenizer = tokenizer
        self.max_length, self.candidates_per_group = max_length, candidates_per_group
        self.seed = seed
        self.start_nll: dict[int, float] = {}
        """`EncodedGroup.start_nll` by the group's number, for those that were measured."""

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, at: tuple[int, int]) -> EncodedGroup:
        epoch, number = at
        if number == FILLER:
            nothing = Encoded((pad_token_id(self.tokenizer),), (IGNORED,), truncated=False)
            return EncodedGroup((nothing,), (None,), is_filler=True)
        group = self.groups[number]
        drawn = draw(group, self.candidates_per_group, self.seed, epoch)
        return self._encoded(group, drawn, self.start_nll.get(number))

    def best(self, number: int) -> EncodedGroup:
        """A group's best-rated candidate alone: the one that every draw has."""
        group = self.groups[number]
        return self._encoded(group, draw(group, 1, self.seed, 0), None)

    def _encoded(
        self, group: RatedGroup, drawn: Sequence[Candidate], start_nll: float | None
    ) -> EncodedGroup:
        return EncodedGroup(
            tuple(
                encode(self.tokenizer, group.prompt, c.text, self.max_length, ends=c.ends)
                for c in drawn
            ),
            tuple(c.rating for c in drawn),
            group.rating_scale,
            start_nll,
        )


@dataclass(frozen=True, slots=True)
class GroupCollator:
    """Pads the candidates of several groups, on the right, into one flat batch.

    Gives `input_ids`, `attention_mask` and `labels` of shape (candidates, length), `rating`
    (float32, NaN where nobody rated), `rating_scale`, `group` and `truncated` of shape
    (candidates,), `start_nll` (float32, NaN where it was not measured) of shape (groups,), and
    the integers `n_groups` and, of these, `n_fillers`.

    Where prompts are packed, the first three have the shape (groups, length), and so have
    `position_ids` and `segment`: -1 in padding, 0 in the prompt, 1 + n in the n-th candidate.
    """

    pad_token_id: int
    packing: Packing = False

    def __call__(self, groups: Sequence[EncodedGroup]) -> dict[str, Any]:
        """Collate; see the class."""
        ratings = [rating for group in groups for rating in group.ratings]
        numbers = [number for number, group in enumerate(groups) for _ in group.candidates]
        scales = [group.rating_scale for group in groups for _ in group.candidates]
        rows = [row for group in groups for row in group.candidates]
        return {
            **self._text(groups),
            "rating": _with_nan(ratings),
            "start_nll": _with_nan([group.start_nll for group in groups]),
            "rating_scale": torch.tensor(scales, dtype=torch.float32),
            "group": torch.tensor(numbers, dtype=torch.long),
            "truncated": torch.tensor([row.truncated for row in rows], dtype=torch.bool),
            "n_groups": len(groups),
            "n_fillers": sum(group.is_filler for group in groups),
        }

    def _text(self, groups: Sequence[EncodedGroup]) -> dict[str, Tensor]:
        packed = pack(groups, self.packing) if self.packing else None
        if packed is None:
            rows = [row for group in groups for row in group.candidates]
            return self._rows([row.input_ids for row in rows], [row.labels for row in rows])
        return {
            **self._rows(packed.input_ids, packed.labels),
            "position_ids": _padded(packed.position_ids, 0),
            "segment": _padded(packed.segment, -1),
        }

    def _rows(
        self, ids: Sequence[Sequence[int]], labels: Sequence[Sequence[int]]
    ) -> dict[str, Tensor]:
        return {
            "input_ids": _padded(ids, self.pad_token_id),
            "attention_mask": _padded([[1] * len(row) for row in ids], 0),
            "labels": _padded(labels, IGNORED),
        }


def pad_token_id(tokenizer: Any) -> int:
    """The id to pad with; the end-of-turn token where the tokenizer has none of its own."""
    own = tokenizer.pad_token_id
    return int(tokenizer.eos_token_id if own is None else own)


def _with_nan(values: Sequence[float | None]) -> Tensor:
    known = [math.nan if value is None else value for value in values]
    return torch.tensor(known, dtype=torch.float32)


def _padded(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    width = max(map(len, rows), default=0)
    filled = [[*row, *[filler] * (width - len(row))] for row in rows]
    return torch.tensor(filled, dtype=torch.long).reshape(len(rows), width)
