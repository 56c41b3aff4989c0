"""In which order examples are seen: mixed, or in the three stages of the paper."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import Sampler
from transformers import TrainerCallback

from social_sandbox.envs.seeding import generator, key

from ..data.groups import KINDS, RatedGroup, trainable
from .batching import FILLER


class EpochSampler(Sampler[tuple[int, int]]):
    """(epoch, number) of every group in an order that depends on (seed, epoch) alone.

    Groups of like length come in one batch: what a batch is padded to its longest candidate
    costs as much as text. They are sorted within windows of some batches of a shuffled order, and
    the batches shuffled again, so that kinds stay mixed over an epoch.
    """

    WINDOW = 16
    """Batches whose groups are sorted by length among each other."""

    def __init__(self, lengths: Sequence[int], seed: int, batch: int = 1) -> None:
        """`lengths`: of the groups, in any unit."""
        self.lengths = np.asarray(lengths)
        self.seed, self.batch = seed, batch
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        draw = generator(self.seed, "order", self.epoch)
        order = draw.permutation(len(self))
        size = self.batch * self.WINDOW
        windows = (order[start : start + size] for start in range(0, len(self), size))
        ranked = [w[np.argsort(self.lengths[w], kind="stable")] for w in windows]
        numbers = np.concatenate([*ranked, order[:0]])
        batches = [numbers[at : at + self.batch] for at in range(0, len(self), self.batch)]
        # A short batch stays last: the Trainer cuts batches by counting.
        whole = len(self) // self.batch
        shuffled = [batches[place] for place in draw.permutation(whole)] + batches[whole:]
        return ((self.epoch, int(number)) for batch in shuffled for number in batch)


class TellEpoch(TrainerCallback):  # type: ignore[misc]
    """Tells an order the epoch, which a resumed run reads from its checkpoint.

    Trainers call `set_epoch` of a sampler, but do not reach one of several processes that is
    wrapped once more to skip what was seen before.
    """

    def __init__(self, order: EpochSampler) -> None:
        self.order = order

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Before the first example of the epoch is drawn."""
        self.order.epoch = int(state.epoch or 0)


class SeedEpoch(TrainerCallback):  # type: ignore[misc]
    """Seeds a generator anew for every epoch, so that a resumed run draws what it would have.

    For samplers of others whose order comes out of one generator, of which no checkpoint knows how
    far it is.
    """

    def __init__(self, source: torch.Generator) -> None:
        self.source = source

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Before the first example of the epoch is drawn."""
        self.source.manual_seed(key(args.seed, "order", int(state.epoch or 0)))


class ByLength(Sampler[int]):
    """The numbers alone, in the order of an `EpochSampler`, for Trainers that ask for those."""

    def __init__(self, order: EpochSampler) -> None:
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[int]:
        return (number for _, number in self.order)


class WholeBatches(Sampler[tuple[int, int]]):
    """An order of (epoch, number) with fillers at its end, so that `size` divides its length.

    Several processes take equally many batches of one size. Left to itself accelerate fills the
    last ones with examples from the beginning, which would count twice.
    """

    def __init__(self, order: EpochSampler | list[tuple[int, int]], size: int) -> None:
        self.order, self.size = order, size

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.size) * self.size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        yield from self.order
        yield from [(0, FILLER)] * (len(self) - len(self.order))


def group_length(group: RatedGroup) -> int:
    """Characters of the prompt and of the longest response that can be drawn."""
    longest = max((len(c.text) for c in group.candidates if trainable(c)), default=0)
    return sum(len(message.content) for message in group.prompt) + longest


def stage_of(kind: str) -> int:
    """0 for imitation and for whatever is of no kind of the paper, 1 self-critic, 2 realignment."""
    return KINDS.index(kind) if kind in KINDS else 0


def in_stages(
    kinds: Sequence[str],
    epochs: float,
    seed: int,
    lengths: Sequence[int] | None = None,
    batch: int = 1,
) -> list[tuple[int, int]]:
    """(epoch, number) of all that a run sees: all epochs of one stage before the next stage.

    Of a broken epoch each stage has its share, and one example at least.

    Args:
        kinds: of the examples.
        epochs: of every stage.
        seed: of the order within an epoch.
        lengths: of the examples; those of like length come together.
        batch: examples of a step, as for `EpochSampler`.
    """
    stages = [stage_of(kind) for kind in kinds]
    order: list[tuple[int, int]] = []
    for stage in sorted(set(stages)):
        numbers = [number for number, own in enumerate(stages) if own == stage]
        sampler = EpochSampler([lengths[n] if lengths else 0 for n in numbers], seed, batch)
        for epoch in range(math.ceil(epochs)):
            sampler.epoch = epoch
            count = max(1, round(min(1.0, epochs - epoch) * len(numbers)))
            order += [(epoch, numbers[place]) for _, place in islice(sampler, count)]
    return order
