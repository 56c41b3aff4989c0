"""The spaces of the sandbox: any Unicode text, and what is built of it.

`gymnasium.spaces.Text` knows only the characters it is given (ASCII letters and digits, if
none): ordinary language-model output with a dash, an accent or an emoji is outside of it.
"""

from typing import Any

import numpy as np
from gymnasium import spaces

NO_RATING = 0.0
"""Stands for a missing rating in observations and actions, which hold numbers only."""

_LABEL_LENGTH = 16  # of roles, phases and aspects
_VERDICT_LENGTH = 32  # of what stands around the reason in a line of feedback
_SAMPLED = (
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
    """Any Unicode text of at most `max_length` code points, the empty text included."""

    def __init__(self, max_length: int, *, seed: int | np.random.Generator | None = None) -> None:
        if max_length < 0:
            raise ValueError(f"max_length must be at least 0, got {max_length}")
        self.max_length = max_length
        super().__init__(dtype=str, seed=seed)

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> str:
        """A few words, some of them not ASCII; they need not mean anything.

        `mask` and `probability` are those of `Space.sample`; a text has no use for them.
        """
        words = self.np_random.integers(len(_SAMPLED), size=self.np_random.integers(9))
        return " ".join(_SAMPLED[word] for word in words)[: self.max_length]

    def contains(self, x: Any) -> bool:
        """Whether x is a str that is not too long."""
        return isinstance(x, str) and len(x) <= self.max_length

    @property
    def is_np_flattenable(self) -> bool:
        """No: any Unicode text would need an array cell for each of a million characters."""
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnicodeText) and self.max_length == other.max_length

    def __repr__(self) -> str:
        return f"UnicodeText({self.max_length})"


class Rating(spaces.Box):
    """One number from 0 (none) to the end of the scale: a Box that is quick to check."""

    def __init__(self, rating_scale: int) -> None:
        """`rating_scale`: the highest rating."""
        super().__init__(NO_RATING, float(rating_scale), (), np.float64)
        self._highest = float(rating_scale)

    def contains(self, x: Any) -> bool:
        """As a Box has it; an array of the space's own kind is not looked at twice."""
        if type(x) is np.ndarray and x.dtype == np.float64 and not x.shape:
            return NO_RATING <= float(x) <= self._highest
        return super().contains(x)


def observation_space(longest_text: int, n_opinions: int, rating_scale: int) -> spaces.Dict:
    """What an agent sees, see `translate.observation`; the same for all roles.

    No key is named "observation": PettingZoo takes such a key to hold an array.
    """
    label, text = _LABEL_LENGTH, longest_text
    return spaces.Dict(
        {
            "role": UnicodeText(label),
            "phase": UnicodeText(label),
            "aspect": UnicodeText(label),
            "question": UnicodeText(text),
            "answer": UnicodeText(text),
            "feedback": UnicodeText(n_opinions * (text + _VERDICT_LENGTH)),
            "mean_rating": Rating(rating_scale),
            "memory_question": UnicodeText(text),
            "memory_answer": UnicodeText(text),
        }
    )


def action_space(max_text_length: int, rating_scale: int) -> spaces.Dict:
    """What an agent says: a text and a rating, where a rating below 1 is none."""
    return spaces.Dict({"text": UnicodeText(max_text_length), "rating": Rating(rating_scale)})
