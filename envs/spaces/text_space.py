"""The space of Unicode texts, and what Gymnasium does with spaces: flatten, batch and share them.

`gymnasium.spaces.Text` accepts only the characters of its charset (ASCII letters and digits by
default), which excludes ordinary output of language models with a dash, an accent or an emoji.

A text as numbers has one number for each code point, which is the code point plus one. Zeros
follow up to the maximum length, so that an array of zeros is the empty text.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.spaces.utils import (
    flatdim,
    flatten,
    flatten_space,
    is_space_dtype_shape_equiv,
    unflatten,
)
from gymnasium.vector.utils import (
    batch_differing_spaces,
    batch_space,
    concatenate,
    create_empty_array,
    create_shared_memory,
    iterate,
    read_from_shared_memory,
    write_to_shared_memory,
)
from gymnasium.wrappers.utils import create_zero_array

Numbers = npt.NDArray[np.int32]

_HIGHEST = 0x110000
"""The number of the last code point."""

_SAMPLE_WORDS = (
    "an",
    "honest",
    "answer",
    "is",
    "kind",
    "naïve",
    "déjà",
    "¿por",
    "日本語",
    "да",
    "—",
    "🙂",
)


class UnicodeText(spaces.Space[str]):
    """Texts of any Unicode characters with at most `max_length` code points."""

    def __init__(self, max_length: int, *, seed: int | np.random.Generator | None = None) -> None:
        """Create the space.

        Args:
            max_length: Maximum number of code points.
            seed: Seed of the samples.

        Raises:
            ValueError: `max_length` is negative.
        """
        if max_length < 0:
            raise ValueError(f"max_length must be at least 0, got {max_length}")
        self.max_length = max_length
        super().__init__(dtype=str, seed=seed)

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> str:
        """Return up to eight words, some of them not ASCII.

        `mask` and `probability` are parameters of every Gymnasium space; this space ignores them.
        """
        words = self.np_random.integers(len(_SAMPLE_WORDS), size=self.np_random.integers(9))
        return " ".join(_SAMPLE_WORDS[word] for word in words)[: self.max_length]

    def contains(self, x: Any) -> bool:
        """Return whether x is a str of at most `max_length` code points."""
        return isinstance(x, str) and len(x) <= self.max_length

    @property
    def is_np_flattenable(self) -> bool:
        """True: a text is a row of `max_length` numbers."""
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnicodeText) and self.max_length == other.max_length

    def __repr__(self) -> str:
        return f"UnicodeText({self.max_length})"


def to_numbers(text: str) -> Numbers:
    """Return a text as numbers, without the zeros behind them; shape (len(text),)."""
    units = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return units.astype(np.int32) + 1


def from_numbers(numbers: npt.NDArray[np.generic]) -> str:
    """Return the text that numbers stand for; zeros stand for nothing."""
    whole = np.asarray(numbers).astype(np.int64)
    units = whole[whole > 0].clip(max=_HIGHEST) - 1
    return units.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


@flatdim.register(UnicodeText)
def _flatdim(space: UnicodeText) -> int:
    return space.max_length


@flatten.register(UnicodeText)
def _flatten(space: UnicodeText, x: str) -> Numbers:  # type: ignore[misc]
    flat = np.zeros(space.max_length, dtype=np.int32)
    flat[: len(x)] = to_numbers(x)
    return flat


@unflatten.register(UnicodeText)
def _unflatten(space: UnicodeText, x: npt.NDArray[np.generic]) -> str:  # type: ignore[misc]
    return from_numbers(x)


@flatten_space.register(UnicodeText)
def _flatten_space(space: UnicodeText) -> spaces.Box:
    return spaces.Box(0, _HIGHEST, (space.max_length,), np.int32)


@is_space_dtype_shape_equiv.register(UnicodeText)
def _is_equivalent(space_1: UnicodeText, space_2: spaces.Space[Any]) -> bool:
    return space_1 == space_2


@create_zero_array.register(UnicodeText)
def _create_zero(space: UnicodeText) -> str:  # type: ignore[misc]
    return ""


class TextBatch(spaces.Tuple[Any]):
    """A tuple of texts, one for each environment."""

    def contains(self, x: Any) -> bool:
        """Return whether x has a text for each space."""
        return super().contains(tuple(x) if isinstance(x, SharedTexts) else x)


@batch_space.register(UnicodeText)
def _batch(space: UnicodeText, n: int = 1) -> TextBatch:
    batch: Any = batch_space.dispatch(spaces.Space)(space, n)
    return TextBatch(batch.spaces, seed=deepcopy(batch.np_random))


@batch_differing_spaces.register(UnicodeText)
def _batch_differing(  # type: ignore[misc]
    each: Sequence[UnicodeText],
) -> TextBatch:
    return TextBatch([deepcopy(space) for space in each], seed=deepcopy(each[0].np_random))


@batch_differing_spaces.register(TextBatch)
def _batch_differing_batches(  # type: ignore[misc]
    each: Sequence[TextBatch],
) -> spaces.Space[Any]:
    # Gymnasium batches differing spaces by their exact type.
    return batch_differing_spaces.dispatch(spaces.Tuple)(each)


@iterate.register(TextBatch)
@iterate.register(UnicodeText)
def _iterate(space: TextBatch | UnicodeText, items: Any) -> Iterator[str]:  # type: ignore[misc]
    # SuperSuit gives the space of one environment with the texts of several.
    if isinstance(items, str):
        raise TypeError(f"one text is no batch of texts: {items!r:.80}")
    return iter(items)


@concatenate.register(UnicodeText)
def _concatenate(space: UnicodeText, items: Iterable[str], out: object) -> tuple[str, ...]:
    return tuple(items)


@create_empty_array.register(UnicodeText)
def _create_empty(
    space: UnicodeText, n: int = 1, fn: Callable[..., Any] = np.zeros
) -> tuple[str, ...]:
    return ("",) * n


@create_shared_memory.register(UnicodeText)
def _create_shared(space: UnicodeText, n: int = 1, ctx: Any = multiprocessing) -> Any:
    return ctx.Array("i", max(1, n * space.max_length))


@read_from_shared_memory.register(UnicodeText)
def _read_shared(space: UnicodeText, shared_memory: Any, n: int = 1) -> "SharedTexts":
    numbers = _shared_numbers(shared_memory)[: n * space.max_length]
    return SharedTexts(numbers.reshape(n, space.max_length))


@write_to_shared_memory.register(UnicodeText)
def _write_shared(space: UnicodeText, index: int, value: str, shared_memory: Any) -> None:
    start = index * space.max_length
    _shared_numbers(shared_memory)[start : start + space.max_length] = _flatten(space, value)


def _shared_numbers(shared_memory: Any) -> Numbers:
    return np.frombuffer(shared_memory.get_obj(), dtype=np.int32)


class SharedTexts(Sequence[str]):
    """The texts in a shared memory as they are now; a deep copy is a tuple that stays the same.

    Gymnasium's `AsyncVectorEnv` reads a shared memory once, when it begins, and copies in each
    step what it has read.
    """

    def __init__(self, rows: Numbers) -> None:
        """Look at rows of numbers, of shape (texts, maximum length)."""
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...

    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(map(from_numbers, self._rows[index]))
        return from_numbers(self._rows[index])

    def __deepcopy__(self, memo: dict[int, Any]) -> tuple[str, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        return repr(tuple(self))
