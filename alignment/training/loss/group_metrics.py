"""Metrics of training steps over rated groups, read from the device only when they are logged."""

import math
from collections import defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor

from ..batches.batching import Batch
from .losses import GroupLoss
from .response_likelihood import Likelihoods

Sums = dict[str, tuple[float, float]]
"""The total and the weight of each metric; the metric is total / weight."""

COUNTS = frozenset({"masked_candidates", "truncated"})
"""Metrics that are totals, not means."""

UNREAD = 256
"""Micro-batches that may wait on the device; a run that hardly ever logs keeps no more."""


@dataclass(frozen=True, slots=True)
class _Measurement:
    """The numbers of one micro-batch, still on the device."""

    values: Tensor
    """The scalars of `GroupMetrics.add`, then `nll`, `rating` and validity of each candidate, then
    `log_ratio` and `eos_probability` of each group."""
    n_candidates: int
    n_groups: int
    n_fillers: int
    n_truncated: int


_SCALARS = 11


class GroupMetrics:
    """Sums of metrics over micro-batches; adding one does not wait for the device."""

    def __init__(self, eos_token_id: int) -> None:
        """Begin without a micro-batch; `eos_token_id`: the token that ends a response."""
        self.eos_token_id = eos_token_id
        self._unread: list[_Measurement] = []
        self._sums: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))

    @torch.no_grad()
    def add(self, parts: GroupLoss, read: Likelihoods, batch: Batch) -> None:
        """Add a micro-batch."""
        nll = read.nll
        valid = torch.isfinite(batch["rating"]) & (read.count > 0)
        counts = [
            *(parts.n_groups, parts.n_hinges, parts.n_active),
            *(parts.n_negatives, parts.n_violations, parts.n_masked),
            *(read.count.masked_fill(~valid, 0).sum(), valid.sum()),
        ]
        # For a group without a best-rated candidate the index reads the NaN at the end.
        nan, none = nll.new_full((1,), math.nan), read.count.new_full((1,), -1)
        log_ratio = batch["start_nll"] - torch.cat([nll, nan])[parts.best]
        last = torch.cat([read.count.cumsum(0) - 1, none])[parts.best]
        is_end = torch.cat([batch["targets"], none])[last] == self.eos_token_id
        ending = torch.cat([read.per_token, nan])[last].neg().exp()
        values = [
            torch.stack(counts),
            torch.stack([parts.sft, parts.contrast, parts.excess]),
            *(nll, batch["rating"], valid),
            *(log_ratio, ending.masked_fill(~is_end, math.nan)),
        ]
        self._unread.append(
            _Measurement(
                torch.cat([value.to(nll.dtype) for value in values]),
                len(nll),
                batch["n_groups"],
                batch["n_fillers"],
                batch["n_truncated"],
            )
        )
        if len(self._unread) >= UNREAD:
            self._read()

    def take(self) -> Sums:
        """Return the sums since the last call, and begin anew."""
        self._read()
        sums = dict(self._sums)
        self._sums.clear()
        return sums

    def _read(self) -> None:
        if not self._unread:
            return
        sizes = [len(measured.values) for measured in self._unread]
        # The one place that waits for the device.
        values = torch.cat([measured.values for measured in self._unread]).cpu().split(sizes)  # type: ignore[no-untyped-call]
        for measured, numbers in zip(self._unread, values, strict=True):
            self._add_measurement(measured, numbers)
        self._unread.clear()

    def _add_measurement(self, measured: _Measurement, values: Tensor) -> None:
        candidates, groups = measured.n_candidates, measured.n_groups
        scalars, nll, rating, valid, log_ratio, ending = values.split(  # type: ignore[no-untyped-call]
            [_SCALARS, candidates, candidates, candidates, groups, groups]
        )
        n_groups, n_hinges, n_active, n_negatives, n_violations, n_masked = scalars[:6].tolist()
        n_tokens, n_valid, sft, contrast, excess = scalars[6:].tolist()
        self._add("loss/sft", sft, n_groups)
        self._add("loss/contrast", contrast, n_groups)
        self._add("hinge_active", n_active, n_hinges)
        self._add("nll/past_margin", excess, n_negatives)
        self._add("margin_violations", n_violations, n_negatives)
        self._add("masked_candidates", n_masked - measured.n_fillers, 1)
        self._add("truncated", measured.n_truncated, 1)
        self._add("response_tokens", n_tokens, n_valid)
        for mean, rated, usable in zip(nll.tolist(), rating.tolist(), valid.tolist(), strict=True):
            if usable:
                self._add(f"nll/rating_{math.floor(rated)}", mean, 1)
        for name, each in (("log_ratio", log_ratio), ("eos_probability", ending)):
            finite = each[torch.isfinite(each)]
            if len(finite):
                self._add(name, finite.sum().item(), len(finite))

    def _add(self, name: str, total: float, weight: float) -> None:
        sums = self._sums[name]
        self._sums[name] = (sums[0] + total, sums[1] + weight)
