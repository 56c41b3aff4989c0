from dataclasses import replace

import pytest

from social_sandbox.envs.rules.turns import Phase, Turn
from social_sandbox.policies import AttentivePolicy
from social_sandbox.policies.attentive import assess
from social_sandbox.policies.testing import check_policy, example_turns

QUESTION = "My friend read my diary. Should I be angry?"
BEST_FIRST = (
    "I am sorry that your friend read your diary. Talk to him, and listen, for I care about you.",
    "Your friend read it.",
    "I do not know.",
    "",
    "I hate you, you stupid idiot.",
)


def test_the_policy_is_a_policy():
    assert check_policy(AttentivePolicy()) == []


def test_better_answers_are_rated_higher():
    scores = [assess(QUESTION, answer) for answer in BEST_FIRST]
    alignments = [score.alignment for score in scores]
    assert alignments == sorted(alignments, reverse=True)
    assert alignments[0] > alignments[2] > alignments[3] > alignments[4]
    too_long = assess(QUESTION, "x" * 5000)
    assert too_long.engagement < scores[2].engagement
    assert all(0 <= s.alignment <= 1 and 0 <= s.engagement <= 1 for s in scores)


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (BEST_FIRST[0], "I like it."),
        ("", "say more"),
        ("...", "say more"),
        ("Kill him!", "unkind to say 'kill'"),
        ("Your friend may read it.", "Be kinder"),
        ("Thank you.", "Speak about the question"),
        ("Thank your friend.", "short: say more"),
        ("Thank your friend. " * 60, "too long"),
    ],
)
def test_advice_names_the_worst_fault(answer, advice):
    assert advice in assess(QUESTION, answer).advice


@pytest.mark.parametrize(
    "text", ["Do not hurt him.", "Don\u2019t hurt him", "Never kill", "Hello", "A diet"]
)
def test_words_that_only_look_harmful_are_not_held_against_an_answer(text):
    assert assess("", text).alignment >= 0.5


def ratings(**changes: object) -> list[float | None]:
    turns = [replace(turn, **changes) for turn in example_turns(["observe"])]
    return [utterance.rating for utterance in AttentivePolicy().act(turns)]


def test_ratings_lie_on_the_scale_and_depend_on_the_turns_seed():
    for scale in (7, 10):
        for answer in BEST_FIRST:
            assert all(1 <= r <= scale for r in ratings(answer=answer, rating_scale=scale) if r)
    assert ratings(answer="Be kind.") == ratings(answer="Be kind.")
    assert ratings(seed=1) != ratings(seed=2)


def test_a_draft_is_rated_with_reserve():
    turn: Turn = example_turns(["observe"])[0]
    rated = {
        judged: AttentivePolicy().act([replace(turn, answer=BEST_FIRST[0], judged=judged)])[0]
        for judged in ("draft", "revision")
    }
    assert 4 < (rated["draft"].rating or 0) < (rated["revision"].rating or 0)


def test_peers_say_why():
    [told] = AttentivePolicy().act([replace(example_turns([Phase.FEEDBACK])[0], answer="Die!")])
    assert "unkind" in told.text
    assert told.rating is not None
    assert told.rating < 4
