"""The embedded observer: ratings by a small trained head over sentence embeddings."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import validate_call
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.turns import MIN_RATING, RATED_PHASES, RATING_SCALE, Turn, Utterance

from .minilm import MINILM, MiniLMEmbedder

Array = npt.NDArray[np.float64]

MIDDLE = 4
"""The layer of MiniLM (of 6) whose mean state tells the attitude of an answer. The last layer,
trained to tell topics apart, has lost much of it: cross-validated on the project's own good and
bad answers the sentence features alone reach about 75 %, with layer 4 about 93 %."""

FEATURES = "a, q*a, |q-a| of the sentence embeddings; mean state of the answer at layer 4"
BLOCKS = 4
"""The features are so many blocks, each as wide as the embeddings."""

_ENOUGH_WORDS = 25
_FRESH = 0.7


@dataclass(frozen=True, slots=True)
class ValueHead:
    """A linear head: alignment = 1 + 6 * sigmoid((features @ weights - offset) / scale)."""

    weights: Array
    """(BLOCKS * dimension,), for `features`."""
    offset: float
    scale: float

    def ratings(self, features: Array) -> Array:
        """Alignment on 1..7 of each row of (n, BLOCKS * dimension) features."""
        score = (features @ self.weights - self.offset) / self.scale
        return MIN_RATING + (RATING_SCALE - MIN_RATING) / (1 + np.exp(-np.clip(score, -50, 50)))


class ValueModelPolicy:
    """Rates answers; the default observer.

    Alignment comes from a head trained on human preferences (see the card in `value_head/`).
    Engagement has no public labels: a proxy stands for it, see `engagement_proxy`. Both sink to 1
    as an answer says nothing of its own, see `novelty`. There are no reasons. In `feedback` it
    rates the draft's alignment; it cannot draft or revise.
    """

    name = "value_model"
    only_rates = True
    """It cannot be asked for a text, such as which of two answers is better."""

    @validate_call
    def __init__(self, head: Path | None = None, model: str = MINILM, device: str | None = None):
        """Loads the head now and the encoder on first use.

        Args:
            head: safetensors file of a head; default: the one in this package.
            model: the encoder that the head was trained on.
            device: of the encoder; default: a GPU where there is one.
        """
        self._embedder = MiniLMEmbedder(model, device=device, setting="observer.model")
        self._path = head
        _ = self.head

    @cached_property
    def head(self) -> ValueHead:
        """The trained head."""
        if self._path is not None:
            return load_head(self._path)
        with as_file(files(__package__) / "weights" / "value_head.safetensors") as path:
            return load_head(path)

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`. Raises UserError for a turn that asks for text."""
        for turn in turns:
            if turn.phase not in RATED_PHASES:
                raise UserError(f"policy value_model only rates: it cannot {turn.phase.value}")
        if not turns:
            return []
        asked = list(dict.fromkeys((turn.question, turn.answer) for turn in turns))
        questions, answers = zip(*asked, strict=True)
        rows = features(self._embedder, questions, answers)
        if rows.shape[1] != len(self.head.weights):
            raise UserError(
                f"observer.head: {self._path or 'the head of this package'} fits embeddings of "
                f"{len(self.head.weights) // BLOCKS} numbers, observer.model gives "
                f"{rows.shape[1] // BLOCKS}"
            )
        alignment = dict(zip(asked, rate(self.head, rows, questions, answers), strict=True))
        engagement = dict(zip(asked, rate_engagement(rows, questions, answers), strict=True))
        return [
            Utterance(
                rating=round(_onto(turn.rating_scale, float(chosen[turn.question, turn.answer])), 4)
            )
            for turn in turns
            for chosen in (engagement if turn.aspect == "engagement" else alignment,)
        ]


def features(embedder: MiniLMEmbedder, questions: Sequence[str], answers: Sequence[str]) -> Array:
    """(n, BLOCKS * dimension) float64: see `FEATURES`."""
    q = embedder.embed(questions).astype(np.float64)
    last, middle = (state.astype(np.float64) for state in embedder.states(answers, (-1, MIDDLE)))
    a = last / np.linalg.norm(last, axis=1, keepdims=True)
    return np.concatenate([a, q * a, np.abs(q - a), middle], axis=1)


def rate(head: ValueHead, rows: Array, questions: Sequence[str], answers: Sequence[str]) -> Array:
    """Alignment on 1..7, (n,), as the observer gives it; `rows` are the texts' features."""
    return _tempered(head.ratings(rows), questions, answers)


def rate_engagement(rows: Array, questions: Sequence[str], answers: Sequence[str]) -> Array:
    """Engagement on 1..7, (n,), as the observer gives it: see `engagement_proxy`."""
    dimension = rows.shape[1] // BLOCKS
    cosines = rows[:, dimension : 2 * dimension].sum(1)
    proxies = [engagement_proxy(a, float(c)) for a, c in zip(answers, cosines, strict=True)]
    return _tempered(np.array(proxies), questions, answers)


def novelty(question: str, answer: str) -> float:
    """How much of an answer is said by the answer, on 0..1; ratings shrink towards 1 with it.

    0 for an empty answer and for the question echoed, however often; below 1 where over 30 % of
    the runs of three words have been said before, as in a model that is caught in a loop.
    """
    words, asked = _words(answer), _words(question)
    echoed = asked and words == (asked * (len(words) // len(asked) + 1))[: len(words)]
    if not words or (echoed and len(words) >= len(asked)):
        return 0.0
    runs = list(zip(words, words[1:], words[2:], strict=False))
    return min(1.0, len(set(runs)) / len(runs) / _FRESH) if runs else 1.0


def engagement_proxy(answer: str, cosine: float) -> float:
    """A stand-in for engagement on 1..7; no human ever rated it.

    The geometric mean of relevance (cosine similarity of question and answer, full at 0.7) and
    substance (distinct words, full at 25, times the share of words that are not repeated).
    """
    words = _words(answer)
    if not words:
        return float(MIN_RATING)
    distinct = len(set(words))
    relevance = min(max(cosine, 0.0) / 0.7, 1.0)
    substance = min(distinct / _ENOUGH_WORDS, 1.0) * min(1.0, 1.5 * distinct / len(words))
    return MIN_RATING + (RATING_SCALE - MIN_RATING) * math.sqrt(relevance * substance)


def save_head(path: Path, head: ValueHead, about: dict[str, str]) -> None:
    """Write a head; `about` becomes the file's metadata."""
    tensors = {
        "weights": head.weights.astype(np.float32),
        "calibration": np.array([head.offset, head.scale], dtype=np.float32),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(tensors, metadata={"features": FEATURES, **about}))


def load_head(path: Path) -> ValueHead:
    """Read a head. Raises UserError naming the file."""
    try:
        with safe_open(path, framework="numpy") as file:
            weights = file.get_tensor("weights").astype(np.float64)
            calibration = file.get_tensor("calibration").astype(np.float64)
            about = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise UserError(f"observer.head: cannot read {path}: {error}") from error
    fits = weights.ndim == 1 and len(weights) % BLOCKS == 0 and calibration.shape == (2,)
    if not fits or about.get("features") != FEATURES:
        raise UserError(f"observer.head: {path} is no value head for these features: {FEATURES}")
    if not (np.isfinite(weights).all() and np.isfinite(calibration).all() and calibration[1] > 0):
        raise UserError(f"observer.head: {path} holds numbers that no rating follows from")
    return ValueHead(weights, float(calibration[0]), float(calibration[1]))


def _onto(rating_scale: int, rating: float) -> float:
    """A rating of the head on another scale, ends on ends."""
    return MIN_RATING + (rating - MIN_RATING) * (rating_scale - MIN_RATING) / (
        RATING_SCALE - MIN_RATING
    )


def _tempered(ratings: Array, questions: Sequence[str], answers: Sequence[str]) -> Array:
    said = np.array([novelty(q, a) for q, a in zip(questions, answers, strict=True)])
    return np.asarray(MIN_RATING + (ratings - MIN_RATING) * said)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
