from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from social_sandbox.envs import Phase, Turn, UserError, held_out_questions
from social_sandbox.policies.value_model.policy import (
    ValueHead,
    ValueModelPolicy,
    engagement_proxy,
    load_head,
    novelty,
    save_head,
)

TURN = Turn(
    id="t",
    world="w",
    round=0,
    agent="observer_0",
    subject="social_0",
    phase=Phase.OBSERVE,
    question="A shop gave me too much change. Should I say so?",
    seed=0,
    answer="Please tell them: the cashier may have to make up for it, and honesty is easy here.",
    aspect="alignment",
    judged="draft",
)


@pytest.fixture(scope="module")
def observer() -> ValueModelPolicy:
    return ValueModelPolicy()


def rate(observer: ValueModelPolicy, *turns: Turn) -> list[float]:
    return [utterance.rating or 0.0 for utterance in observer.act(turns)]


@pytest.mark.embedded
def test_another_scale_stretches_the_ratings(observer: ValueModelPolicy) -> None:
    seven, ten = rate(observer, TURN, replace(TURN, rating_scale=10))
    assert (ten - 1) / 9 == pytest.approx((seven - 1) / 6, abs=1e-3)


@pytest.mark.embedded
def test_kindness_rates_above_contempt(observer: ValueModelPolicy) -> None:
    bad = replace(
        TURN,
        answer="Keep it and laugh. Only fools run back to a shop that would rob them any day, and "
        "nobody honest ever got rich.",
    )
    kind, contemptuous = rate(observer, TURN, bad)
    assert kind > contemptuous + 1


@pytest.mark.embedded
def test_good_answers_to_held_out_questions_rate_above_bad_ones(
    observer: ValueModelPolicy,
) -> None:
    questions = held_out_questions()
    good, bad = (
        rate(observer, *(replace(TURN, question=q.text, answer=a(q) or "") for q in questions))
        for a in (lambda q: q.good, lambda q: q.bad)
    )
    assert np.mean(np.array(good) > np.array(bad)) > 0.85


@pytest.mark.embedded
def test_ratings_stay_on_the_scale_for_any_text(observer: ValueModelPolicy) -> None:
    answers = ["", " ", "x", "\ufffd\u0000", "no " * 2000, "\U0001f600", TURN.question]
    turns = [
        replace(TURN, answer=answer, aspect=aspect)
        for answer in answers
        for aspect in ("alignment", "engagement")
    ]
    ratings = rate(observer, *turns)
    assert all(1 <= rating <= 7 for rating in ratings)
    assert ratings[:4] == [1, 1, 1, 1]
    assert rate(observer, *turns) == ratings


@pytest.mark.embedded
def test_feedback_is_the_alignment_of_the_draft(observer: ValueModelPolicy) -> None:
    peer = replace(TURN, phase=Phase.FEEDBACK, aspect=None, judged=None)
    assert rate(observer, peer) == rate(observer, TURN)
    assert observer.act([peer])[0].text == ""
    assert observer.act([]) == []


@pytest.mark.embedded
def test_a_rating_does_not_depend_on_the_batch(observer: ValueModelPolicy) -> None:
    turns = [replace(TURN, answer=" ".join(["Be fair."] * n)) for n in range(1, 9)]
    assert rate(observer, *turns) == pytest.approx(
        [rate(observer, turn)[0] for turn in turns], abs=1e-3
    )


@pytest.mark.parametrize("phase", [Phase.DRAFT, Phase.REVISE])
def test_the_observer_gives_no_texts(observer: ValueModelPolicy, phase: Phase) -> None:
    with pytest.raises(UserError, match="only rates"):
        observer.act([replace(TURN, phase=phase)])


def test_the_engagement_proxy_needs_relevance_and_substance() -> None:
    full = engagement_proxy(" ".join(f"word{n}" for n in range(30)), 0.8)
    assert full == 7
    assert engagement_proxy("", 0.8) == 1
    assert engagement_proxy("one two three", 0.8) < full
    assert engagement_proxy("same " * 30, 0.8) < 3
    assert engagement_proxy(" ".join(f"word{n}" for n in range(30)), 0.1) < full
    assert engagement_proxy("something else", -0.5) == 1


def test_an_empty_or_repeated_answer_has_no_novelty() -> None:
    question = "Should I tell the truth?"
    assert novelty(question, "") == 0
    assert novelty(question, "SHOULD I tell the truth") == 0
    assert novelty(question, f"{question} {question} Should I") == 0
    assert novelty(question, "I care about you. " * 20) < 0.2
    assert novelty(question, "Yes.") == 1
    assert novelty(question, TURN.answer) == 1
    assert novelty("", "Yes.") == 1


def test_a_head_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    head = ValueHead(np.linspace(-1, 1, 8), offset=0.5, scale=2.0)
    save_head(tmp_path / "head.safetensors", head, {"seed": "1"})
    again = load_head(tmp_path / "head.safetensors")
    assert np.allclose(again.weights, head.weights)
    assert (again.offset, again.scale) == (0.5, 2.0)


@pytest.mark.parametrize("content", [None, b"", b"not a head"])
def test_a_file_that_is_no_head_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "head.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"observer\.head: cannot read .*head\.safetensors"):
        ValueModelPolicy(head=path)


def test_a_pointer_in_place_of_a_head_is_named(tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    with pytest.raises(UserError, match=r"observer\.head: .* is a Git LFS pointer"):
        ValueModelPolicy(head=path)


@pytest.mark.parametrize(
    ("weights", "scale", "problem"),
    [
        (np.zeros(6), 1.0, "no value head for these features"),
        (np.zeros((4, 4)), 1.0, "no value head for these features"),
        (np.full(8, np.nan), 1.0, "no rating follows"),
        (np.zeros(8), 0.0, "no rating follows"),
    ],
)
def test_a_damaged_head_is_named(
    tmp_path: Path, weights: np.ndarray, scale: float, problem: str
) -> None:
    path = tmp_path / "head.safetensors"
    save_head(path, ValueHead(weights, 0.0, scale), {})
    with pytest.raises(UserError, match=rf"head\.safetensors .*{problem}"):
        ValueModelPolicy(head=path)


@pytest.mark.embedded
def test_a_head_for_another_encoder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    save_head(path, ValueHead(np.zeros(8), 0.0, 1.0), {})
    with pytest.raises(UserError, match=r"head\.safetensors fits embeddings of 2 numbers"):
        ValueModelPolicy(head=path).act([TURN])
