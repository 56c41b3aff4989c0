"""The utterances of a world, in the order in which they were submitted."""

from collections.abc import Iterator, Sequence
from typing import overload

from .turns import Utterance


class WorldLog(Sequence[tuple[str, Utterance]]):
    """Pairs of the id of a turn and the utterance that answered it.

    The two halves are kept apart: a pair of their own for each utterance would take an eighth of
    the memory of a large society.
    """

    __slots__ = ("_turns", "_utterances")

    def __init__(self, pairs: Sequence[tuple[str, Utterance]] = ()) -> None:
        """Begin with some pairs."""
        self._turns = [turn for turn, _ in pairs]
        self._utterances = [utterance for _, utterance in pairs]

    def append(self, turn: str, utterance: Utterance) -> None:
        """Add the answer to a turn."""
        self._turns.append(turn)
        self._utterances.append(utterance)

    def copy(self) -> "WorldLog":
        """Return a log that grows on its own."""
        twin = WorldLog()
        twin._turns, twin._utterances = self._turns.copy(), self._utterances.copy()
        return twin

    def __len__(self) -> int:
        return len(self._turns)

    @overload
    def __getitem__(self, number: int) -> tuple[str, Utterance]: ...
    @overload
    def __getitem__(self, number: slice) -> list[tuple[str, Utterance]]: ...
    def __getitem__(
        self, number: int | slice
    ) -> tuple[str, Utterance] | list[tuple[str, Utterance]]:
        if isinstance(number, slice):
            return list(zip(self._turns[number], self._utterances[number], strict=True))
        return self._turns[number], self._utterances[number]

    def __iter__(self) -> Iterator[tuple[str, Utterance]]:
        return zip(self._turns, self._utterances, strict=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))
