import numpy as np

from social_sandbox.envs.rules.memory import Vectors
from social_sandbox.policies.embedding_cache import EmbeddingCache


def test_only_new_texts_are_embedded_each_once() -> None:
    calls: list[list[str]] = []

    def lengths(texts: list[str]) -> Vectors:
        calls.append(texts)
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    cache = EmbeddingCache(size=3)
    assert [int(v[0]) for v in cache.embed(["a", "bb", "a"], lengths)] == [1, 2, 1]
    assert [int(v[0]) for v in cache.embed(["bb", "ccc"], lengths)] == [2, 3]
    assert cache.embed([], lengths) == []
    cache.embed(["a"], lengths)
    assert calls == [["a", "bb"], ["ccc"]]


def test_the_text_that_was_used_longest_ago_is_forgotten_first() -> None:
    calls: list[list[str]] = []

    def zeros(texts: list[str]) -> Vectors:
        calls.append(texts)
        return np.zeros((len(texts), 1), dtype=np.float32)

    cache = EmbeddingCache(size=2)
    for texts in (["a"], ["b"], ["a"], ["c"], ["a"], ["b"]):
        cache.embed(texts, zeros)
    assert calls == [["a"], ["b"], ["c"], ["b"]]


def test_more_texts_than_are_kept_can_be_embedded_at_once() -> None:
    cache = EmbeddingCache(size=1)
    assert len(cache.embed(["a", "b", "c"], lambda new: np.zeros((len(new), 2), np.float32))) == 3
