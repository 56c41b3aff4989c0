"""Batches of rated groups: candidates are encoded, and padded into tensors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from ...data.groups import Candidate, RatedGroup, best_rated
from ...data.parts import contrasted
from .encoding import IGNORED, Encoded, EncodedGroup, encode
from .packing import Packing, pack

FILLER = -1
"""The number of a group without text, which makes a batch whole and adds zero to its loss."""


class GroupDataset(Dataset[EncodedGroup]):
    """Groups to train on, indexed by number, which may be `FILLER`.

    A group gives its `contrasted` candidates.
    """

    def __init__(self, groups: Sequence[RatedGroup], tokenizer: Any, *, max_length: int) -> None:
        self.groups = groups
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.start_nll: dict[int, float] = {}
        """`EncodedGroup.start_nll` by the group's number, for the groups that were measured."""

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, number: int) -> EncodedGroup:
        if number == FILLER:
            nothing = Encoded((pad_token_id(self.tokenizer),), (IGNORED,), truncated=False)
            return EncodedGroup((nothing,), (None,), is_filler=True)
        group = self.groups[number]
        return self._encoded(group, contrasted(group.candidates), self.start_nll.get(number))

    def best(self, number: int) -> EncodedGroup:
        """Return a group with its best-rated candidate alone."""
        group = self.groups[number]
        best = best_rated(group.candidates)
        return self._encoded(group, [best] if best else [], None)

    def _encoded(
        self, group: RatedGroup, candidates: Sequence[Candidate], start_nll: float | None
    ) -> EncodedGroup:
        return EncodedGroup(
            tuple(
                encode(self.tokenizer, group.prompt, c.text, self.max_length, ends=c.ends)
                for c in candidates
            ),
            tuple(c.rating for c in candidates),
            group.rating_scale,
            start_nll,
        )


class Batch(TypedDict):
    """Several groups as tensors: what the collator gives and the trainer reads.

    A mapping, because the Trainer of transformers counts tokens in it and moves its tensors to the
    device. Candidates of all groups stand one after the other. A row holds one candidate, or,
    where prompts are packed, one group: its prompt once, with all candidates behind it.
    """

    input_ids: Tensor
    """(rows, length) int64."""
    attention_mask: Tensor
    """(rows, length) int64; 1 for a token, 0 for padding."""
    predicts: Tensor
    """(rows, length) bool; whether a response token is predicted at the position."""
    targets: Tensor
    """(tokens,) int64; ids of the response tokens, candidate by candidate."""
    prediction: Tensor
    """(tokens,) int64; which of the true positions of `predicts` predicts the token."""
    candidate: Tensor
    """(tokens,) int64; the candidate that the token belongs to."""
    rating: Tensor
    """(candidates,) float32; NaN for a candidate without a rating."""
    rating_scale: Tensor
    """(candidates,) float32."""
    group: Tensor
    """(candidates,) int64; the group that the candidate belongs to."""
    start_nll: Tensor
    """(groups,) float32; `EncodedGroup.start_nll`, NaN where not measured."""
    n_groups: int
    n_valid_groups: int
    """Groups with at least one candidate that has a rating and a response."""
    n_fillers: int
    """Groups without text, which only make the batch whole."""
    n_truncated: int
    """Candidates that were cut to fit."""
    position_ids: NotRequired[Tensor]
    """(rows, length) int64; 0 in padding. Packed batches only."""
    segment: NotRequired[Tensor]
    """(rows, length) int64; -1 in padding, 0 in the prompt, 1 + n in the n-th candidate of the
    batch. Packed batches only."""


@dataclass(frozen=True, slots=True)
class GroupCollator:
    """Pads the candidates of several groups, on the right, into one batch."""

    pad_token_id: int
    packing: Packing = False

    def __call__(self, groups: Sequence[EncodedGroup]) -> Batch:
        """Return the groups as one batch, on the CPU."""
        candidates = [row for group in groups for row in group.candidates]
        ratings = [rating for group in groups for rating in group.ratings]
        numbers = [number for number, group in enumerate(groups) for _ in group.candidates]
        scales = [group.rating_scale for group in groups for _ in group.candidates]
        packed = pack(groups, self.packing) if self.packing else None
        segment = None if packed is None else pad(packed.segment, -1)
        ids = packed.input_ids if packed else [row.input_ids for row in candidates]
        labels = packed.labels if packed else [row.labels for row in candidates]
        predicts, targets, prediction, candidate = _predictions(pad(labels, IGNORED), segment)
        rating, group_of = _with_nan(ratings), torch.tensor(numbers, dtype=torch.long)
        answered = torch.bincount(candidate, minlength=len(candidates)) > 0
        valid = group_of[answered & torch.isfinite(rating)].unique()  # type: ignore[no-untyped-call]
        batch: Batch = {
            "input_ids": pad(ids, self.pad_token_id),
            "attention_mask": pad([[1] * len(row) for row in ids], 0),
            "predicts": predicts,
            "targets": targets,
            "prediction": prediction,
            "candidate": candidate,
            "rating": rating,
            "rating_scale": torch.tensor(scales, dtype=torch.float32),
            "group": group_of,
            "start_nll": _with_nan([group.start_nll for group in groups]),
            "n_groups": len(groups),
            "n_valid_groups": valid.numel(),
            "n_fillers": sum(group.is_filler for group in groups),
            "n_truncated": sum(row.truncated for row in candidates),
        }
        if packed is not None and segment is not None:
            batch["position_ids"] = pad(packed.position_ids, 0)
            batch["segment"] = segment
        return batch


def pad(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Return rows of integers as (rows, length) int64, filled up on the right with a value."""
    if not rows:
        return torch.empty(0, 0, dtype=torch.long)
    tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
    return pad_sequence(tensors, batch_first=True, padding_value=value, padding_side="right")


def pad_token_id(tokenizer: Any) -> int:
    """Return the id to pad with: the end-of-turn token for a tokenizer without a padding token."""
    number = tokenizer.pad_token_id
    return int(tokenizer.eos_token_id if number is None else number)


def _with_nan(values: Sequence[float | None]) -> Tensor:
    numbers = [math.nan if value is None else value for value in values]
    return torch.tensor(numbers, dtype=torch.float32)


def _predictions(labels: Tensor, segment: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return `predicts`, `targets`, `prediction` and `candidate` of a `Batch`.

    Args:
        labels: (rows, length) int64; `IGNORED` at positions that are not learnt.
        segment: (rows, length), see `Batch`; None where each row is one candidate.
    """
    learnt = labels != IGNORED
    # Nothing stands before a row's first token.
    learnt[:, :1] = False
    row, column = learnt.nonzero(as_tuple=True)
    before, candidate = column - 1, row
    if segment is not None:
        number = segment[row, column]
        last_of_prompt = (segment == 0).sum(1) - 1
        # A packed response begins where the prompt ended, not where its neighbour did.
        before = torch.where(segment[row, before] == number, before, last_of_prompt[row])
        candidate = number - 1
    predicts = torch.zeros_like(learnt)
    predicts[row, before] = True
    place = predicts.flatten().cumsum(0) - 1
    return predicts, labels[learnt], place[row * labels.shape[1] + before], candidate
