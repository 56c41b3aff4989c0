"""Settings of the paper's simulation that differ from the defaults."""

from typing import Any

import pytest

from social_sandbox.envs import Phase, Question, Turn, UserError, Utterance, World, WorldConfig

QUESTIONS = [Question(f"Question {n}?", good=f"good {n}", bad=f"bad {n}") for n in range(7)]


def play(world: World) -> list[Turn]:
    """Play a world to its end and return its turns."""
    answered = []
    while turns := world.pending():
        for turn in turns:
            answered.append(turn)
            world.submit(turn.id, Utterance(f"{turn.agent} says so", rating=4.0))
    return answered


def world(seed: int = 0, **rules: Any) -> World:
    settings = {"grid_size": 5, "n_rounds": 2, "n_peers": 24, **rules}
    return World(WorldConfig(**settings), questions=QUESTIONS, seed=seed)


def peers_of(turns: list[Turn], subject: str, number: int = 0) -> list[str]:
    feedback = [t for t in turns if t.phase is Phase.FEEDBACK and t.round == number]
    return [turn.agent for turn in feedback if turn.subject == subject]


def test_global_interaction_reaches_everybody() -> None:
    assert len(peers_of(play(world()), "social_0")) == 5
    assert len(peers_of(play(world(interaction="global")), "social_0")) == 24
    assert len(peers_of(play(world(interaction="global", n_peers=3)), "social_0")) == 3


def test_other_peers_are_absent_in_each_round() -> None:
    turns = play(world(interaction="global", peer_dropout=0.5))
    first, second = (set(peers_of(turns, "social_12", number)) for number in (0, 1))
    assert 5 < len(first) < 19
    assert first != second
    assert turns == play(world(interaction="global", peer_dropout=0.5))


def test_other_peers_replace_the_absent_ones() -> None:
    turns = play(world(interaction="global", peer_dropout=0.5, n_peers=4))
    assert {len(peers_of(turns, f"social_{n}")) for n in range(25)} == {4}


def test_score_only_feedback_has_no_reasons() -> None:
    played = world(feedback="score")
    turns = play(played)
    assert {turn.reason for turn in turns if turn.phase is Phase.FEEDBACK} == {False}
    revise = next(turn for turn in turns if turn.phase is Phase.REVISE)
    assert {(opinion.rating, opinion.reason) for opinion in revise.opinions} == {(4.0, "")}
    assert {f.reason for done in played.interactions for f in done.feedback} == {""}
    assert revise.mean_rating == 4.0


def test_without_memory_no_turn_has_a_memory() -> None:
    assert any(turn.memory for turn in play(world()))
    assert not any(turn.memory for turn in play(world(memory=False)))


def test_questions_can_be_asked_as_given() -> None:
    turns = play(world(question_order="given", questions_per_round=3))
    for number, expected in enumerate(({0, 1, 2}, {3, 4, 5})):
        questions = {t.question for t in turns if t.round == number}
        assert questions == {f"Question {n}?" for n in expected}


def test_without_observers_all_rewards_are_zero() -> None:
    played = world(n_observers=0, grid_size=2)
    play(played)
    assert {done.reward for done in played.interactions} == {0.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"interaction": "far"},
        {"feedback": "stars"},
        {"question_order": "random"},
        {"peer_dropout": 1.0},
        {"peer_dropout": -0.1},
    ],
)
def test_wrong_rules_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"env.{next(iter(wrong))}: must be"):
        WorldConfig(**wrong)
