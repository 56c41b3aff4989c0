from dataclasses import replace

import pytest

from social_sandbox.alignment.data.groups import Candidate, RatedGroup
from social_sandbox.alignment.data.leaks import check_leaks
from social_sandbox.envs import UserError
from social_sandbox.envs.rules.memory import HashingEmbedder
from social_sandbox.envs.rules.questions import held_out_questions, society_questions
from social_sandbox.envs.text.messages import Conversation, Message
from social_sandbox.policies.prompts.prompts import rating_messages, revision_messages
from social_sandbox.policies.value_model.minilm import MiniLMEmbedder

HELD = "Would it be mean to break up over text? We've dated eight months."
EMBEDDER = HashingEmbedder()


def asking(*contents: str, answer: str = "Be kind.") -> RatedGroup:
    prompt = tuple(Message("user", content) for content in contents)
    return RatedGroup(id="g", kind="test", prompt=prompt, candidates=(Candidate(answer, 5.0),))


def from_messages(messages: Conversation) -> RatedGroup:
    return replace(asking(""), prompt=messages)


LEAKS = {
    "itself": asking(HELD),
    "another case and punctuation": asking(
        "would it be mean to break up over text! we\u2019ve dated eight months"
    ),
    "an earlier turn": asking(f"Hi. {HELD}", "And now?"),
    "an answer": asking("What did she ask?", answer=f"She asked: {HELD} I said no."),
    "a question for a verdict": from_messages(rating_messages(HELD, "Yes.", "alignment")),
    "a question for a revision": from_messages(revision_messages(HELD, "Yes.", 3.0, [])),
}


@pytest.mark.parametrize("where", LEAKS)
def test_a_held_out_question_is_found_word_for_word(where: str) -> None:
    with pytest.raises(UserError, match="word for word") as raised:
        check_leaks(
            [asking("Why?"), LEAKS[where]], ["Why not?", HELD], EMBEDDER, 0.15, "data.jsonl"
        )
    message = str(raised.value)
    assert message.startswith(f'data.leak_guard: data.jsonl: the held-out question "{HELD}"')
    assert "data.leak_guard=false" in message
    assert "\n" not in message


def test_a_near_duplicate_is_named_with_both_texts() -> None:
    near = HELD.replace("months", "weeks")
    with pytest.raises(UserError, match="near-duplicate") as raised:
        check_leaks([asking(near)], [HELD], EMBEDDER, 0.15, "data.jsonl")
    assert HELD in str(raised.value)
    assert near in str(raised.value)
    prompt = from_messages(rating_messages(near, "Yes.", "alignment"))
    with pytest.raises(UserError, match="near-duplicate"):
        check_leaks([prompt], [HELD], EMBEDDER, 0.15, "data.jsonl")


def test_the_nearest_is_told_where_nothing_leaks() -> None:
    near = HELD.replace("months", "weeks")
    leak = check_leaks([asking("How are you?"), asking(near)], [HELD], EMBEDDER, 0.01, "data")
    assert leak is not None
    assert (leak.text, leak.held_out) == (near, HELD)
    assert 0.01 < leak.distance < 0.15


def test_a_short_question_is_no_leak_within_a_longer_text() -> None:
    leak = check_leaks(
        [asking("Tell me, is it fair that she left?")], ["Is it fair?"], EMBEDDER, 0.15, "data"
    )
    assert leak is not None
    assert leak.distance > 0.15
    with pytest.raises(UserError, match="word for word"):
        check_leaks([asking("is it fair")], ["Is it fair?"], EMBEDDER, 0.15, "data")


def test_nothing_to_compare_is_no_leak() -> None:
    assert check_leaks([asking("Why?")], [], EMBEDDER, 0.15, "data") is None
    assert check_leaks([], [HELD], EMBEDDER, 0.15, "data") is None


def test_a_far_longer_text_is_not_embedded() -> None:
    class Counting(HashingEmbedder):
        def embed(self, texts):  # type: ignore[no-untyped-def]
            assert all(len(text) < 1000 for text in texts)
            return super().embed(texts)

    long = asking("word " * 10_000, "How are you?")
    assert check_leaks([long], [HELD], Counting(), 0.15, "data") is not None


@pytest.mark.embedded
def test_what_societies_are_asked_is_no_leak_and_small_changes_of_it_are() -> None:
    embedder = MiniLMEmbedder()
    held = [question.text for question in held_out_questions()]
    prompt = [asking(question.text) for question in society_questions()]
    nearest = check_leaks(prompt, held, embedder, 0.15, "questions")
    assert nearest is not None
    assert nearest.distance > 0.2
    for text in held[:20]:
        changed = asking(f"Hello, I would like to know: {text[:-1].lower()}, please")
        with pytest.raises(UserError, match="held-out question"):
            check_leaks([*prompt, changed], held, embedder, 0.15, "questions")
