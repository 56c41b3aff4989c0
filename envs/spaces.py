"""The observation and action spaces of the sandbox, with texts of any Unicode characters.

`gymnasium.spaces.Text` accepts only the characters of its charset (ASCII letters and digits by
default), which excludes ordinary output of language models with a dash, an accent or an emoji.
"""

from typing import Any

import numpy as np
from gymnasium import spaces

NO_RATING = 0.0
"""A missing rating, in observations and actions, which hold numbers only."""

_LABEL_LENGTH = 16
"""Maximum length of a role, a phase or an aspect."""

_VERDICT_LENGTH = 32
"""Maximum length of the text around the reason in a line of feedback."""

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
        """False: a flat array would need one cell for each of a million characters."""
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnicodeText) and self.max_length == other.max_length

    def __repr__(self) -> str:
        return f"UnicodeText({self.max_length})"


class Rating(spaces.Box):
    """One number from 0 (no rating) to the highest rating: a Box with a quick `contains`."""

    def __init__(self, rating_scale: int) -> None:
        """Create the space of shape () and dtype float64; `rating_scale` is the highest rating."""
        super().__init__(NO_RATING, float(rating_scale), (), np.float64)
        self._highest = float(rating_scale)

    def contains(self, x: Any) -> bool:
        """Return whether x lies in the Box."""
        # The common case, without the conversions and array comparisons of Box.contains.
        if type(x) is np.ndarray and x.dtype == np.float64 and not x.shape:
            return NO_RATING <= float(x) <= self._highest
        return super().contains(x)


def observation_space(longest_text: int, n_opinions: int, rating_scale: int) -> spaces.Dict:
    """Return the space of `translate.observation`, the same for all agents.

    No key is named "observation": PettingZoo expects an array under such a key.

    Args:
        longest_text: Maximum length of a question, an answer or a reason, in code points.
        n_opinions: Maximum number of opinions in the feedback on a draft.
        rating_scale: The highest rating.
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
    """Return the space of actions: a text, and a rating (below 1: no rating)."""
    return spaces.Dict({"text": UnicodeText(max_text_length), "rating": Rating(rating_scale)})
