"""What the agents of a society remember: question -> answer, found again by similarity."""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .turns import Recollection

Vectors = npt.NDArray[np.float32]

SIMILARITIES = 2**24
"""At most so many are held at once: 64 MiB."""


class Embedder(Protocol):
    """Turns texts into unit vectors whose inner product says how alike the texts are."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embeddings of shape (len(texts), dimension), float32, each row of length 1."""
        ...


class HashingEmbedder:
    """Counts words and word pairs in hashed buckets: no model, no download, deterministic."""

    def __init__(self, dimension: int = 512) -> None:
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`; a text without words points along the first axis."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            words = re.findall(r"\w+", text.lower())
            for gram in (*words, *map(" ".join, pairwise(words))):
                row[zlib.crc32(gram.encode()) % self.dimension] += 1
            if not words:
                row[0] = 1
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class Memory:
    """The memories of all agents of one society.

    A question is embedded and stored once, however many agents remember it; an agent keeps one
    answer a question, the latest. Nothing here depends on the order of agents within a call.
    """

    def __init__(self, embedder: Embedder, threshold: float = 0.3) -> None:
        """`threshold`: cosine distance below which a memory comes to mind (paper: 0.3)."""
        self._embedder = embedder
        self._threshold = threshold
        self._questions: list[str] = []
        self._index: dict[str, int] = {}
        self._vectors: Vectors = np.zeros((0, 0), dtype=np.float32)
        self._answers: dict[str, dict[int, str]] = {}

    def remember(self, entries: Iterable[tuple[str, str, str]]) -> None:
        """Store (agent, question, answer) entries; new questions are embedded in one batch."""
        entries = list(entries)
        self._learn([question for _, question, _ in entries])
        for agent, question, answer in entries:
            self._answers.setdefault(agent, {})[self._index[question]] = answer

    def recall(self, cues: Sequence[tuple[str, str]]) -> list[Recollection | None]:
        """For each (agent, question) the agent's nearest memory, or None where none is near.

        A matrix product for the batch: distinct asked questions times known questions, in parts
        where both are many.
        """
        if not cues or not self._questions:
            return [None] * len(cues)
        cues_of: dict[str, list[int]] = defaultdict(list)
        for number, (_, question) in enumerate(cues):
            cues_of[question].append(number)
        asked, known = list(cues_of), self._vectors[: len(self._questions)].T
        vectors = self._embedder.embed(asked)
        found: list[Recollection | None] = [None] * len(cues)
        size = max(1, SIMILARITIES // len(self._questions))
        for start in range(0, len(asked), size):
            part = slice(start, start + size)
            for question, similarity in zip(asked[part], vectors[part] @ known, strict=True):
                for number in cues_of[question]:
                    found[number] = self._nearest(cues[number][0], similarity)
        return found

    def _nearest(self, agent: str, similarity: Vectors) -> Recollection | None:
        answers = self._answers.get(agent)
        if not answers:
            return None
        known = np.fromiter(answers, dtype=np.intp, count=len(answers))
        best = int(known[np.argmax(similarity[known])])
        distance = max(0.0, 1.0 - float(similarity[best]))
        if distance >= self._threshold:
            return None
        return Recollection(self._questions[best], answers[best], round(distance, 6))

    def _learn(self, questions: Sequence[str]) -> None:
        new = [question for question in dict.fromkeys(questions) if question not in self._index]
        if not new:
            return
        vectors = self._embedder.embed(new)
        used, needed = len(self._questions), len(self._questions) + len(new)
        if needed > len(self._vectors):
            # Doubling keeps insertion amortised O(1) in the number of known questions.
            grown = np.zeros((max(needed, 2 * used), vectors.shape[1]), dtype=np.float32)
            if used:
                grown[:used] = self._vectors[:used]
            self._vectors = grown
        self._vectors[used:needed] = vectors
        for question in new:
            self._index[question] = len(self._questions)
            self._questions.append(question)
