import numpy as np
import pytest

from social_sandbox.envs import HashingEmbedder
from social_sandbox.envs.rules import memory as memory_module
from social_sandbox.envs.rules.memory import Memory

from ...helpers.societies import TOPICS


class Angles:
    """Embeds a number of degrees as the direction of that angle, and records the texts."""

    def __init__(self):
        self.embedded = []

    def embed(self, texts):
        self.embedded.append(list(texts))
        angles = np.radians([float(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def answers(recollections):
    return [recollection and recollection.answer for recollection in recollections]


def test_the_nearest_question_is_recalled_with_its_distance():
    memory = Memory(Angles(), threshold=0.3)
    memory.remember([("a", "0", "east"), ("a", "30", "north-east"), ("a", "90", "north")])
    [recollection] = memory.recall([("a", "20")])
    assert (recollection.question, recollection.answer) == ("30", "north-east")
    assert recollection.distance == pytest.approx(1 - np.cos(np.radians(10)), abs=1e-6)


def test_only_questions_nearer_than_the_threshold_are_recalled():
    memory = Memory(Angles(), threshold=0.5)
    memory.remember([("a", "0", "east")])
    assert answers(memory.recall([("a", "59"), ("a", "61")])) == ["east", None]


def test_an_agent_without_memories_recalls_nothing():
    memory = Memory(Angles())
    assert memory.recall([("a", "0")]) == [None]
    memory.remember([("b", "0", "not mine")])
    assert memory.recall([("a", "0")]) == [None]
    assert memory.recall([]) == []


def test_agents_do_not_share_their_answers():
    memory = Memory(Angles())
    memory.remember([("a", "0", "mine"), ("b", "0", "yours")])
    assert answers(memory.recall([("b", "0"), ("a", "0")])) == ["yours", "mine"]


def test_the_latest_answer_to_a_question_replaces_the_one_before():
    memory = Memory(Angles())
    memory.remember([("a", "0", "first"), ("a", "0", "second")])
    assert answers(memory.recall([("a", "0")])) == ["second"]
    memory.remember([("a", "0", "third")])
    assert answers(memory.recall([("a", "0")])) == ["third"]


def test_a_question_that_several_agents_remember_is_embedded_once():
    embedder = Angles()
    memory = Memory(embedder)
    memory.remember([("a", "0", "x"), ("b", "0", "y"), ("b", "1", "z")])
    memory.remember([("c", "1", "x"), ("c", "2", "y")])
    assert embedder.embedded == [["0", "1"], ["2"]]


def test_a_batch_of_cues_is_embedded_at_once_and_answered_in_order():
    embedder = Angles()
    memory = Memory(embedder)
    memory.remember([(agent, str(angle), f"{agent}{angle}") for agent in "ab" for angle in (0, 90)])
    embedder.embedded.clear()
    assert answers(memory.recall([("b", "90"), ("a", "1"), ("b", "1")])) == ["b90", "a0", "b0"]
    assert embedder.embedded == [["90", "1"]]


def test_memories_of_many_rounds_are_all_recalled():
    memory = Memory(Angles(), threshold=1e-4)
    for angle in range(100):
        memory.remember([("a", str(angle), f"at {angle}")])
    cues = [("a", str(angle)) for angle in range(100)]
    assert answers(memory.recall(cues)) == [f"at {angle}" for angle in range(100)]


def test_the_hashing_embedder_gives_unit_vectors_that_depend_on_the_text_alone():
    texts = [*TOPICS, "", "🙂", "日本語"]
    vectors = HashingEmbedder().embed(texts)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_array_equal(HashingEmbedder().embed([text])[0], vector)


def test_texts_that_share_words_are_similar_to_the_hashing_embedder():
    lend, lent, dog = HashingEmbedder().embed(
        ["Should I lend my friend money?", "should I lend a friend MONEY", "Where is the dog"]
    )
    assert lend @ lent > 0.7 > 0.3 > lend @ dog


def test_many_questions_are_compared_in_parts(monkeypatch):
    memory = Memory(Angles(), threshold=2)
    memory.remember(("a", str(angle), str(angle)) for angle in range(0, 90, 10))
    cues = [("a", str(angle)) for angle in (81, 2, 44, 2, 67)]
    whole = memory.recall(cues)
    assert answers(whole) == ["80", "0", "40", "0", "70"]
    monkeypatch.setattr(memory_module, "SIMILARITIES", 20)
    assert memory.recall(cues) == whole
