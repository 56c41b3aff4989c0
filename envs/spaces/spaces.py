"""The observation and action spaces of the sandbox."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from numbers import Real
from typing import Any, cast

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import batch_differing_spaces, batch_space, iterate

from .text_space import UnicodeText

NO_RATING = 0.0
"""A missing rating, in observations and actions, which hold numbers only."""

_LABEL_LENGTH = 16
"""Maximum length of a role, a phase or an aspect."""

_VERDICT_LENGTH = 32
"""Maximum length of the text around the reason in a line of feedback."""


class Rating(spaces.Box):
    """One number from 0 (no rating) to the highest rating: a Box with a quick `contains`."""

    def __init__(self, rating_scale: int) -> None:
        """Create the space of shape () and dtype float64; `rating_scale` is the highest rating."""
        super().__init__(NO_RATING, float(rating_scale), (), np.float64)
        self._highest = float(rating_scale)

    def contains(self, x: Any) -> bool:
        """Return whether x lies in the Box."""
        # The common cases, without the conversions and array comparisons of Box.contains, which
        # warns of numbers that are no arrays, such as the parts of a batch of ratings.
        if isinstance(x, float):
            return NO_RATING <= x <= self._highest
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


class ActionSpace(spaces.Dict):
    """Actions: a text and a rating, where one of them may also stand alone.

    A plain `str` is an action without a rating, and a plain number is a rating without a text.
    Samples are dictionaries.
    """

    def contains(self, x: Any) -> bool:
        """Return whether x is a text and a rating, or one of them alone."""
        if isinstance(x, str):
            return self.spaces["text"].contains(x)
        if is_number(x):
            return bool(NO_RATING <= x <= int(cast(Rating, self.spaces["rating"]).high))
        return super().contains(x)


class ActionBatch(spaces.Dict):
    """The actions of several environments: a dictionary of two batches, or one action for each."""


def is_number(x: object) -> bool:
    """Return whether x is a real number of Python or NumPy, or an array of one; no bool."""
    if isinstance(x, np.ndarray):
        return x.size == 1 and x.dtype.kind in "iuf"
    return isinstance(x, Real) and not isinstance(x, bool)


def action_space(max_text_length: int, rating_scale: int) -> ActionSpace:
    """Return the space of actions: a text, and a rating (below 1: no rating)."""
    return ActionSpace({"text": UnicodeText(max_text_length), "rating": Rating(rating_scale)})


@batch_space.register(ActionSpace)
def _batch_actions(space: ActionSpace, n: int = 1) -> ActionBatch:
    parts = {name: batch_space(part, n) for name, part in space.spaces.items()}
    return ActionBatch(parts, seed=deepcopy(space.np_random))


@iterate.register(ActionBatch)
@iterate.register(ActionSpace)
def _iterate_actions(space: ActionBatch | ActionSpace, items: Any) -> Iterator[Any]:  # type: ignore[misc]
    if isinstance(items, Mapping):
        return iterate.dispatch(spaces.Dict)(space, items)
    return iter(items)


# Gymnasium batches differing spaces by their exact type.
@batch_differing_spaces.register(Rating)
def _batch_ratings(each: Sequence[Rating]) -> spaces.Space[Any]:  # type: ignore[misc]
    return batch_differing_spaces.dispatch(spaces.Box)(each)


@batch_differing_spaces.register(ActionSpace)
def _batch_differing_actions(each: Sequence[ActionSpace]) -> ActionBatch:  # type: ignore[misc]
    batch: Any = batch_differing_spaces.dispatch(spaces.Dict)(each)
    return ActionBatch(batch.spaces, seed=deepcopy(each[0].np_random))
