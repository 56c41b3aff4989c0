"""The words that differ between two versions of a text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from .texts import words_and_gaps

_MOST_COMPARISONS = 4_000_000
"""Of longer texts only the common beginning and end are found, so that the time stays short."""

Kind = Literal["same", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of text that both versions have, or that one of them has alone."""

    kind: Kind
    text: str


def changed_words(before: str, after: str) -> list[Change]:
    """Return the stretches of two versions of a text in reading order.

    The stretches `same` and `removed` together are the first version, `same` and `added` the
    second one. Where little is the same between two changes, such as a blank, they are one.

    Args:
        before: The first version.
        after: The second version.
    """
    first, second = words_and_gaps(before), words_and_gaps(after)
    start = _common(first, second)
    end = _common(first[start:][::-1], second[start:][::-1])
    stretches = [
        ("".join(first[:start]), "".join(second[:start])),
        *_middle(first[start : len(first) - end], second[start : len(second) - end]),
        ("".join(first[len(first) - end :]), "".join(second[len(second) - end :])),
    ]
    return list(_changes(_without_islands([each for each in stretches if any(each)])))


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many pieces are the same at the beginning."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))


def _middle(first: Sequence[str], second: Sequence[str]) -> Iterator[tuple[str, str]]:
    if len(first) * len(second) > _MOST_COMPARISONS:
        yield "".join(first), "".join(second)
        return
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for _, a, b, c, d in matcher.get_opcodes():
        yield "".join(first[a:b]), "".join(second[c:d])


def _without_islands(stretches: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join changes between which little is the same: they read as one change of several words."""
    joined: list[tuple[str, str]] = []
    for number, (before, after) in enumerate(stretches):
        was_changed = bool(joined) and joined[-1][0] != joined[-1][1]
        following = stretches[number + 1] if number + 1 < len(stretches) else ("", "")
        is_island = before == after and (
            (before.isspace() and any(following))
            or (was_changed and 2 * len(before) <= min(_size(joined[-1]), _size(following)))
        )
        if was_changed and (is_island or before != after):
            joined[-1] = (joined[-1][0] + before, joined[-1][1] + after)
        else:
            joined.append((before, after))
    return joined


def _size(stretch: tuple[str, str]) -> int:
    return max(map(len, stretch))


def _changes(stretches: Iterable[tuple[str, str]]) -> Iterator[Change]:
    for before, after in stretches:
        if before == after:
            yield Change("same", before)
            continue
        if before:
            yield Change("removed", before)
        if after:
            yield Change("added", after)
