"""Orders of training examples: mixed, or in the three stages of the paper."""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Sampler
from transformers import TrainerCallback

from social_sandbox.envs.rules.seeding import generator, key

from ...data.groups import KINDS, RatedGroup, trainable
from .batching import FILLER

Lengths = Sequence[int] | npt.NDArray[np.int64]


class EpochSampler(Sampler[int]):
    """Yields the index of every group, in an order that depends on seed and epoch alone.

    A batch holds groups of similar length, since padding costs as much compute as text. Groups are
    shuffled, sorted by length within windows of `WINDOW` batches, and cut into batches, which are
    shuffled again, so that kinds stay mixed over an epoch.
    """

    WINDOW = 16
    """Number of batches in a window, within which groups are sorted by length."""

    def __init__(self, lengths: Lengths, seed: int, batch: int = 1) -> None:
        """Set up the order for a data set.

        Args:
            lengths: Length of each group, in any unit.
            seed: Seed of the shuffles.
            batch: Number of groups that one step of all processes reads.
        """
        self.lengths = np.asarray(lengths)
        self.seed, self.batch = seed, batch
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        draw = generator(self.seed, "order", self.epoch)
        order = draw.permutation(len(self))
        size = self.batch * self.WINDOW
        for start in range(0, len(self), size):
            window = order[start : start + size]
            order[start : start + size] = window[np.argsort(self.lengths[window], kind="stable")]
        whole = len(self) // self.batch
        # An incomplete batch stays last: the Trainer forms batches by counting.
        batches, rest = order[: whole * self.batch], order[whole * self.batch :]
        shuffled = batches.reshape(whole, self.batch)[draw.permutation(whole)]
        return map(int, chain(shuffled.flat, rest))


class TellEpoch(TrainerCallback):  # type: ignore[misc]
    """Sets the epoch of a sampler, which a resumed run reads from its checkpoint.

    Trainers call `set_epoch` themselves, but with several processes a resumed run wraps the sampler
    once more to skip examples, and the call does not reach it.
    """

    def __init__(self, order: EpochSampler) -> None:
        """Take the sampler whose epoch is set."""
        self.order = order

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Set the epoch before its first example is drawn."""
        self.order.epoch = int(state.epoch or 0)


class SeedEpoch(TrainerCallback):  # type: ignore[misc]
    """Seeds a generator at the start of every epoch, so that a resumed run draws the same order.

    This serves samplers of other libraries that draw all epochs from one generator: checkpoints do
    not hold its state.
    """

    def __init__(self, source: torch.Generator) -> None:
        """Take the generator that is seeded."""
        self.source = source

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Seed the generator before the first example of the epoch is drawn."""
        self.source.manual_seed(key(args.seed, "order", int(state.epoch or 0)))


class WholeBatches(Sampler[int]):
    """Yields an order of indices, padded with fillers to a multiple of `size`.

    Several processes read equally many batches of one size. Without fillers accelerate completes
    the last batches with examples from the beginning, which would count twice.
    """

    def __init__(self, order: EpochSampler | Sequence[int], size: int) -> None:
        """Take the order and the number of examples that divides the padded length."""
        self.order, self.size = order, size

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.size) * self.size

    def __iter__(self) -> Iterator[int]:
        yield from self.order
        yield from repeat(FILLER, len(self) - len(self.order))


def group_length(group: RatedGroup) -> int:
    """Return the number of characters of the prompt and of its longest trainable response."""
    longest = max((len(c.text) for c in group.candidates if trainable(c)), default=0)
    return sum(len(message.content) for message in group.prompt) + longest


def stage_of(kind: str) -> int:
    """Return the stage of a kind: 1 for self-critic, 2 for realignment, 0 for all other kinds."""
    return KINDS.index(kind) if kind in KINDS else 0


def in_stages(
    kinds: Iterable[str],
    epochs: float,
    seed: int,
    lengths: Lengths | None = None,
    batch: int = 1,
) -> Sequence[int]:
    """Return the order of a whole run, with all epochs of one stage before the next stage.

    Of a fractional epoch each stage gets that share of its examples, and at least one example.

    Args:
        kinds: Kind of each example.
        epochs: Number of epochs of every stage.
        seed: Seed of the order within an epoch.
        lengths: Length of each example, by which batches are formed; None: all are equally long.
        batch: Number of examples that one step reads, as for `EpochSampler`.

    Returns:
        Indices of the examples in the order of training.
    """
    stages = np.fromiter(map(stage_of, kinds), dtype=np.int8)
    length = np.zeros(len(stages), np.int64) if lengths is None else np.asarray(lengths)
    order = array("q")
    for stage in np.unique(stages):
        indices = np.flatnonzero(stages == stage)
        sampler = EpochSampler(length[indices], seed, batch)
        for epoch in range(math.ceil(epochs)):
            sampler.epoch = epoch
            count = max(1, round(min(1.0, epochs - epoch) * len(indices)))
            order.extend(int(indices[position]) for position in islice(sampler, count))
    return order
