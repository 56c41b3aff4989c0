"""Questions that are about the same: of the same kind first, and then in similar words."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.rules.memory import HashingEmbedder, Vectors

Asked = Sequence[tuple[str, str]]
"""Questions with their kinds."""

_DIMENSION = 4096
_BLOCK = 1024
"""How many questions are compared at once."""


class Questions:
    """Some questions, to which others are compared: tf-idf of words and pairs of words."""

    def __init__(self, asked: Asked) -> None:
        """Weigh each word by how few of the questions have it."""
        self._embedder = HashingEmbedder(_DIMENSION)
        counts = self._embedder.embed([question for question, _ in asked])
        of_documents = (counts > 0).sum(axis=0)
        self._weights = (1 + np.log((1 + len(asked)) / (1 + of_documents))).astype(np.float32)
        self._vectors = self._weighted(counts)
        self._kinds = np.array([kind for _, kind in asked])

    def nearest_to(self, question: str, kind: str, count: int) -> list[int]:
        """Return the numbers of the nearest questions, nearest first."""
        (nearness,) = self._nearness([(question, kind)]).T
        best = np.argsort(-nearness, kind="stable")[:count]
        return [int(number) for number in best if nearness[number] > 0]

    def nearest_among(self, others: Asked, count: int) -> list[list[int]]:
        """Return for each question the numbers of the nearest of other questions."""
        best: list[list[tuple[float, int]]] = [[] for _ in self._vectors]
        for start in range(0, len(others), _BLOCK):
            for number, row in enumerate(self._nearness(others[start : start + _BLOCK])):
                top = np.argsort(-row, kind="stable")[:count]
                best[number] += [(-float(row[i]), start + int(i)) for i in top if row[i] > 0]
                best[number] = sorted(best[number])[:count]
        return [[number for _, number in one] for one in best]

    def _nearness(self, others: Asked) -> npt.NDArray[np.float32]:
        """Return the cosine of the words, plus 1 where the kind is the same, (own, others)."""
        vectors = self._weighted(self._embedder.embed([question for question, _ in others]))
        kinds = np.array([kind for _, kind in others])
        same = (self._kinds[:, None] == kinds) & (kinds != "")
        return np.asarray(self._vectors @ vectors.T + same, dtype=np.float32)

    def _weighted(self, counts: Vectors) -> Vectors:
        vectors = counts * self._weights
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
