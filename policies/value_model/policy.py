"""The embedded observer, which rates by a small trained head over sentence embeddings."""

import math
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
from social_sandbox.envs.rules.turns import MIN_RATING, RATED_PHASES, RATING_SCALE, Turn, Utterance
from social_sandbox.envs.text.file_kinds import HEAD, pointer
from social_sandbox.envs.text.texts import words

from ..prompts.frame import without_ratings
from .minilm import MINILM, MiniLMEmbedder

Array = npt.NDArray[np.float64]

MIDDLE = 4
"""The layer of MiniLM (of 6) whose mean state carries the attitude of an answer. The last layer is
trained to separate topics and has lost much of it: in a cross-validation on the project's good and
bad answers, the sentence features alone reach an accuracy of about 75 %, and with layer 4 of about
93 %."""

FEATURES = "a, q*a, |q-a| of the sentence embeddings; mean state of the answer at layer 4"
BLOCKS = 4
"""The number of blocks of features, each as wide as an embedding."""

_ENOUGH_WORDS = 25
"""The number of distinct words that counts as full substance."""

_FRESH_SHARE = 0.7
"""The share of new runs of three words that counts as full novelty."""


@dataclass(frozen=True, slots=True)
class ValueHead:
    """A linear head: alignment = 1 + 6 * sigmoid((features @ weights - offset) / scale).

    Attributes:
        weights: Weights of `features`, of shape (BLOCKS * dimension,).
        offset: The score of the middle of the scale.
        scale: The unit of the score, above 0.
    """

    weights: Array
    offset: float
    scale: float

    def ratings(self, features: Array) -> Array:
        """Return alignment on 1..7, shape (n,), for features of shape (n, BLOCKS * dimension)."""
        score = (features @ self.weights - self.offset) / self.scale
        return MIN_RATING + (RATING_SCALE - MIN_RATING) / (1 + np.exp(-np.clip(score, -50, 50)))


class ValueModelPolicy:
    """The default observer, which rates answers and gives no reasons.

    Alignment comes from a head that is trained on human preferences (see the card in `weights/`).
    There are no public labels of engagement, so that a proxy stands in, see `engagement_proxy`.
    Both ratings fall to 1 if an answer says nothing new, see `novelty`. In `feedback` the policy
    rates the alignment of the draft. It cannot draft or revise.
    """

    name = "value_model"
    only_rates = True
    """The policy gives no texts, such as the letter of the better of two answers."""

    @validate_call
    def __init__(self, head: Path | None = None, model: str = MINILM, device: str | None = None):
        """Load the head; the encoder is loaded on first use.

        Args:
            head: Safetensors file of a head; default: the head in this package.
            model: The encoder for which the head was trained.
            device: Device of the encoder; default: a GPU if there is one.

        Raises:
            UserError: The file is no head, or the encoder is not installed.
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
        """See `Policy.act`.

        Raises:
            UserError: A turn asks for a text, or the head does not fit the encoder.
        """
        for turn in turns:
            if turn.phase not in RATED_PHASES:
                raise UserError(f"policy value_model only rates: it cannot {turn.phase.value}")
        if not turns:
            return []
        # As every rater, this one sees no rating that an answer gives itself.
        asked = [(turn.question, without_ratings(turn.answer)) for turn in turns]
        pairs = list(dict.fromkeys(asked))
        questions, answers = zip(*pairs, strict=True)
        rows = features(self._embedder, questions, answers)
        if rows.shape[1] != len(self.head.weights):
            raise UserError(
                f"observer.head: {self._path or 'the head of this package'} fits embeddings of "
                f"{len(self.head.weights) // BLOCKS} numbers, observer.model gives "
                f"{rows.shape[1] // BLOCKS}"
            )
        alignment = dict(zip(pairs, rate(self.head, rows, questions, answers), strict=True))
        engagement = dict(zip(pairs, rate_engagement(rows, questions, answers), strict=True))
        return [
            Utterance(rating=round(_rescale(float(ratings[pair]), turn), 4))
            for turn, pair in zip(turns, asked, strict=True)
            for ratings in (engagement if turn.aspect == "engagement" else alignment,)
        ]


def features(embedder: MiniLMEmbedder, questions: Sequence[str], answers: Sequence[str]) -> Array:
    """Return the features of answers, of shape (n, BLOCKS * dimension), float64; see `FEATURES`."""
    q = embedder.embed(questions).astype(np.float64)
    last, middle = (state.astype(np.float64) for state in embedder.states(answers, (-1, MIDDLE)))
    a = last / np.linalg.norm(last, axis=1, keepdims=True)
    return np.concatenate([a, q * a, np.abs(q - a), middle], axis=1)


def rate(head: ValueHead, rows: Array, questions: Sequence[str], answers: Sequence[str]) -> Array:
    """Return the observer's alignment ratings on 1..7, of shape (n,); `rows` are the features."""
    return _tempered(head.ratings(rows), questions, answers)


def rate_engagement(rows: Array, questions: Sequence[str], answers: Sequence[str]) -> Array:
    """Return the observer's engagement ratings on 1..7, of shape (n,); see `engagement_proxy`."""
    dimension = rows.shape[1] // BLOCKS
    cosines = rows[:, dimension : 2 * dimension].sum(1)
    proxies = [engagement_proxy(a, float(c)) for a, c in zip(answers, cosines, strict=True)]
    return _tempered(np.array(proxies), questions, answers)


def novelty(question: str, answer: str) -> float:
    """Return how much of an answer is new, from 0 to 1; ratings shrink with this factor.

    The novelty is 0 for an empty answer and for the question repeated once or more often. It is
    below 1 if over 30 % of the runs of three words occur earlier in the answer, as in the output
    of a model that is caught in a loop.
    """
    words, echo = _words(answer), _words(question)
    echoed = echo and words == (echo * (len(words) // len(echo) + 1))[: len(words)]
    if not words or (echoed and len(words) >= len(echo)):
        return 0.0
    runs = list(zip(words, words[1:], words[2:], strict=False))
    return min(1.0, len(set(runs)) / len(runs) / _FRESH_SHARE) if runs else 1.0


def engagement_proxy(answer: str, cosine: float) -> float:
    """Return a proxy of engagement on 1..7, which has not been validated by human ratings.

    The proxy is the geometric mean of relevance (cosine similarity of question and answer, full at
    0.7) and substance (number of distinct words, full at 25, times the share of words that are not
    repeated).

    Args:
        answer: The answer.
        cosine: Cosine similarity of the embeddings of question and answer.
    """
    words = _words(answer)
    if not words:
        return float(MIN_RATING)
    distinct = len(set(words))
    relevance = min(max(cosine, 0.0) / 0.7, 1.0)
    substance = min(distinct / _ENOUGH_WORDS, 1.0) * min(1.0, 1.5 * distinct / len(words))
    return MIN_RATING + (RATING_SCALE - MIN_RATING) * math.sqrt(relevance * substance)


def save_head(path: Path, head: ValueHead, about: dict[str, str]) -> None:
    """Write a head to a safetensors file; `about` becomes the metadata of the file."""
    tensors = {
        "weights": head.weights.astype(np.float32),
        "calibration": np.array([head.offset, head.scale], dtype=np.float32),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(save(tensors, metadata={"features": FEATURES, **about}))


def load_head(path: Path) -> ValueHead:
    """Read a head from a safetensors file.

    Raises:
        UserError: The file cannot be read, or holds no head for these features.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            weights = file.get_tensor("weights").astype(np.float64)
            calibration = file.get_tensor("calibration").astype(np.float64)
            about = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        if path.is_file() and (named := pointer(path.read_bytes()[:HEAD])):
            raise UserError(f"observer.head: {path} is {named}") from error
        raise UserError(f"observer.head: cannot read {path}: {error}") from error
    fits = weights.ndim == 1 and len(weights) % BLOCKS == 0 and calibration.shape == (2,)
    if not fits or about.get("features") != FEATURES:
        raise UserError(f"observer.head: {path} is no value head for these features: {FEATURES}")
    if not (np.isfinite(weights).all() and np.isfinite(calibration).all() and calibration[1] > 0):
        raise UserError(f"observer.head: {path} holds numbers that no rating follows from")
    return ValueHead(weights, float(calibration[0]), float(calibration[1]))


def _rescale(rating: float, turn: Turn) -> float:
    """Return a rating on 1..7 as the rating in the same place on the scale of a turn."""
    return MIN_RATING + (rating - MIN_RATING) * (turn.rating_scale - MIN_RATING) / (
        RATING_SCALE - MIN_RATING
    )


def _tempered(ratings: Array, questions: Sequence[str], answers: Sequence[str]) -> Array:
    """Return ratings that fall to 1 as the novelty of the answers falls to 0."""
    factors = np.array([novelty(q, a) for q, a in zip(questions, answers, strict=True)])
    return np.asarray(MIN_RATING + (ratings - MIN_RATING) * factors)


def _words(text: str) -> list[str]:
    return words(text.lower())
