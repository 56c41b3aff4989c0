"""The memories of social agents: answers that are found again by the similarity of questions."""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..text.texts import valid, words
from .turns import Recollection

Vectors = npt.NDArray[np.float32]

SIMILARITIES = 2**24
"""The most similarities that are held at once: 64 MiB of float32."""


class Embedder(Protocol):
    """Turns texts into unit vectors whose inner product measures how similar the texts are."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return vectors of shape (len(texts), dimension), float32, each row of length 1."""
        ...


class HashingEmbedder:
    """Counts words and word pairs in hashed buckets: deterministic, without a model."""

    def __init__(self, dimension: int = 512) -> None:
        """Set the number of buckets, which is the length of a vector."""
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. A text without words becomes the first unit vector."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            found = words(valid(text).lower())
            for gram in (*found, *map(" ".join, pairwise(found))):
                row[zlib.crc32(gram.encode()) % self.dimension] += 1
            if not found:
                row[0] = 1
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class Memory:
    """The memories of all social agents of one society.

    A question is embedded and stored once, however many agents remember it. An agent keeps one
    answer for each question, its latest. No result depends on the order of the agents in a call.
    """

    def __init__(self, embedder: Embedder, threshold: float = 0.3) -> None:
        """Create an empty memory.

        Args:
            embedder: Embeds the questions.
            threshold: An agent recalls a question below this cosine distance (paper: 0.3).
        """
        self._embedder = embedder
        self._threshold = threshold
        self._questions: list[str] = []
        self._index: dict[str, int] = {}
        self._vectors: Vectors = np.zeros((0, 0), dtype=np.float32)
        self._answers: dict[str, dict[int, str]] = {}

    def fork(self) -> "Memory":
        """Return a memory with the same entries and embedder, which from now on is independent."""
        twin = copy(self)
        twin._questions, twin._index = self._questions.copy(), self._index.copy()
        twin._answers = {agent: answers.copy() for agent, answers in self._answers.items()}
        # A row never changes once it is in use, so that the rows in use can be shared.
        twin._vectors = self._vectors[: len(self._questions)]
        return twin

    def remember(self, entries: Iterable[tuple[str, str, str]]) -> None:
        """Store (agent, question, answer) entries; new questions are embedded in one batch."""
        entries = list(entries)
        self._add_questions([question for _, question, _ in entries])
        for agent, question, answer in entries:
            self._answers.setdefault(agent, {})[self._index[question]] = answer

    def recall(self, cues: Sequence[tuple[str, str]]) -> list[Recollection | None]:
        """Return the nearest memory for each (agent, question), or None if none is near.

        The similarities of all new questions to all stored questions are matrix products, in
        parts of at most `SIMILARITIES` numbers.
        """
        if not cues or not self._questions:
            return [None] * len(cues)
        # Several agents may be asked the same question: the similarities are computed once.
        numbers: dict[str, list[int]] = defaultdict(list)
        for number, (_, question) in enumerate(cues):
            numbers[question].append(number)
        questions, stored = list(numbers), self._vectors[: len(self._questions)].T
        vectors = self._embedder.embed(questions)
        recollections: list[Recollection | None] = [None] * len(cues)
        size = max(1, SIMILARITIES // len(self._questions))
        for start in range(0, len(questions), size):
            part = slice(start, start + size)
            for question, similarity in zip(questions[part], vectors[part] @ stored, strict=True):
                for number in numbers[question]:
                    recollections[number] = self._nearest(cues[number][0], similarity)
        return recollections

    def _nearest(self, agent: str, similarity: Vectors) -> Recollection | None:
        """Return the agent's nearest memory, given the similarity to every stored question."""
        answers = self._answers.get(agent)
        if not answers:
            return None
        indices = np.fromiter(answers, dtype=np.intp, count=len(answers))
        best = int(indices[np.argmax(similarity[indices])])
        distance = max(0.0, 1.0 - float(similarity[best]))
        if distance >= self._threshold:
            return None
        return Recollection(self._questions[best], answers[best], round(distance, 6))

    def _add_questions(self, questions: Sequence[str]) -> None:
        new = [question for question in dict.fromkeys(questions) if question not in self._index]
        if not new:
            return
        vectors = self._embedder.embed(new)
        used, needed = len(self._questions), len(self._questions) + len(new)
        if needed > len(self._vectors):
            # Doubling keeps the cost of an insertion constant on average.
            grown = np.zeros((max(needed, 2 * used), vectors.shape[1]), dtype=np.float32)
            if used:
                grown[:used] = self._vectors[:used]
            self._vectors = grown
        self._vectors[used:needed] = vectors
        for question in new:
            self._index[question] = len(self._questions)
            self._questions.append(question)
