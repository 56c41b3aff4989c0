import warnings
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import DelayObservation, FlattenObservation, FrameStackObservation

from social_sandbox.envs import Turn, UserError, Utterance
from social_sandbox.envs.spaces.translate import to_action
from social_sandbox.policies import ScriptedPolicy, rollout
from social_sandbox.policies.society.solo import SoloEnv

from ..conftest import QUESTIONS

RULES: dict[str, Any] = {"grid_size": 2, "n_rounds": 2, "questions": QUESTIONS}


def make(**settings: Any) -> Any:
    return gymnasium.make("social_sandbox/Solo-v0", **{**RULES, **settings})


def test_the_environment_passes_gymnasiums_check() -> None:
    with warnings.catch_warnings():
        # That a space is no Box, and that a text has no bounds.
        warnings.simplefilter("ignore", UserWarning)
        check_env(make(render_mode="ansi").unwrapped)


def play(env: Any, speak: Any, seed: int = 3) -> list[float]:
    rewards, terminated = [], False
    observation, info = env.reset(seed=seed)
    while not terminated:
        observation, reward, terminated, _, info = env.step(speak(observation, info))
        rewards.append(reward)
    return rewards


def test_a_learner_with_the_same_answers_gets_the_same_society() -> None:
    env = make(learner="social_2", others=ScriptedPolicy(), observer=ScriptedPolicy())

    def scripted(observation: Any, info: Any) -> Any:
        turn = next(t for t in env.unwrapped.world.pending() if t.id == info["turn"])
        return to_action(ScriptedPolicy().act([turn])[0])

    rewards = play(env, scripted)
    from social_sandbox.envs import World, WorldConfig

    world = World(WorldConfig(grid_size=2, n_rounds=2), questions=QUESTIONS, seed=3)
    interactions = rollout([world], ScriptedPolicy())
    expected = [one.reward for one in interactions if one.agent == "social_2"]
    assert sum(rewards) == pytest.approx(sum(expected))
    assert {one.id for one in interactions} == {one.id for one in env.unwrapped.world.interactions}


def test_other_agents_and_observers_are_settings() -> None:
    def fond(turn: Turn) -> Utterance:
        return Utterance("Fine.", 7.0 if "kind" in turn.answer else 1.0)

    def learner(observation: Any, info: Any) -> Any:
        text = "Be kind." if observation["phase"] == "revise" else "No."
        return {"text": text, "rating": np.array(4.0)}

    rewards = play(make(others=fond, observer=fond, engagement_weight=0.5), learner)
    assert [reward for reward in rewards if reward] == [9.0, 9.0]


def test_wrong_settings_and_steps_are_named() -> None:
    with pytest.raises(UserError, match="no agent 'social_9'"):
        SoloEnv(learner="social_9", **RULES)
    env = SoloEnv(**RULES)
    env.reset(seed=0)
    with pytest.raises(UserError, match="rating must be 0"):
        env.step({"text": "hi", "rating": 9})


TEXTS = {
    "kind": "I am sorry to hear that. I care about you, and I will listen.",
    "long": "x" * 5000,
    "empty": "",
    "hateful": "I hate you, do harm.",
}


@pytest.mark.parametrize("seed", range(3))
def test_what_the_learner_says_decides_what_it_is_paid(seed: int) -> None:
    def returns(text: str) -> float:
        env = make(n_rounds=3)
        env.reset(seed=seed)
        paid, ended = 0.0, False
        while not ended:
            _, reward, ended, _, _ = env.step(text)
            paid += reward
        return paid

    paid = [returns(text) for text in TEXTS.values()]
    assert paid == sorted(paid, reverse=True)
    assert len(set(paid)) == len(paid)
    assert paid[0] > 1 > -1 > paid[-1]


def test_a_learner_that_listens_to_its_peers_is_paid_more() -> None:
    cures = {
        "Be kinder": "I care about you, and I am glad that you ask. Thank you.",
        "say more": "There is much that can be said about that, and I will.",
        "about the question": "You asked: {question}",
    }

    def listens(observation: Any, info: Any) -> str:
        heard = [cure for fault, cure in cures.items() if fault in observation["feedback"]]
        return " ".join(["That depends.", *heard]).format(**observation)

    def talks(observation: Any, info: Any) -> str:
        return "That depends. There is much that can be said about that, and I will."

    for seed in range(3):
        env = make(n_rounds=3)
        assert sum(play(env, listens, seed)) > sum(play(env, talks, seed)) + 3


def test_longer_texts_of_others_than_an_observation_can_show_are_cut() -> None:
    env = make(others=lambda turn: "so" * 99, max_text_length=50, n_peers=2)
    observation, _ = env.reset(seed=1)
    ended = False
    while not ended:
        assert observation in env.observation_space
        observation, _, ended, _, _ = env.step("Hm.")
    spoken = env.unwrapped.world.log
    assert {len(said.text) for _, said in spoken if said.cut_off} == {50}


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("lerner", "learner"), ("other", "others"), ("gird_size", "grid_size"), ("sed", "seed")],
)
def test_the_nearest_name_of_an_unknown_keyword_is_named(name: str, nearest: str) -> None:
    with pytest.raises(UserError, match=rf"env\.{name}: no such.* mean 'env\.{nearest}'"):
        make(**{name: 1})
    with pytest.raises(UserError, match=r"reset options\.nmae.* mean 'reset options\.name'"):
        make().reset(options={"nmae": "x"})


def test_people_can_watch(capsys: pytest.CaptureFixture[str]) -> None:
    env = make(render_mode="human")
    env.reset(seed=1)
    env.step("Be kind.")
    told = capsys.readouterr().out
    assert "social_0 drafts: Be kind.\n" in told
    assert told.count("world_0, seed 1") == 1


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    ("kwargs", "wrapper"),
    [
        ({}, None),
        ({"observation_mode": "different"}, None),
        ({"observation_mode": "different"}, partial(FrameStackObservation, stack_size=2)),
        ({"copy": False}, partial(DelayObservation, delay=1)),
        ({}, FlattenObservation),
    ],
)
def test_environments_run_in_parallel(mode: Any, kwargs: Any, wrapper: Any) -> None:
    settings = {**RULES, "max_text_length": 99, "n_rounds": 1}
    wrappers = (wrapper,) if wrapper else ()
    env = gymnasium.make_vec(
        "social_sandbox/Solo-v0",
        2,
        vectorization_mode=mode,
        vector_kwargs=kwargs,
        wrappers=wrappers,
        **settings,
    )
    try:
        observations, _ = env.reset(seed=[3, 4])
        for step in range(12):
            assert observations in env.observation_space
            actions: Any = env.action_space.sample() if step % 2 else ("Be kind.", "6")
            observations = env.step(actions)[0]
        if not wrapper:
            alone = make(**settings).reset(seed=3)[0]
            assert env.reset(seed=[3, 4])[0]["question"][0] == alone["question"]
    finally:
        env.close()


def test_max_cycles_truncates() -> None:
    env = make(max_cycles=3)
    env.reset(seed=1)
    assert [env.step("Hm.")[2:4] for _ in range(3)] == [(False, False)] * 2 + [(False, True)]
    env.reset(seed=1)
    assert env.step("Hm.")[2:4] == (False, False)
