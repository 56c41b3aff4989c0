import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from social_sandbox.envs import Turn, UserError, Utterance
from social_sandbox.envs.translate import to_action
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
        check_env(make().unwrapped, skip_render_check=True)


def play(env: Any, speak: Any) -> list[float]:
    rewards, terminated = [], False
    observation, info = env.reset(seed=3)
    while not terminated:
        observation, reward, terminated, _, info = env.step(speak(observation, info))
        rewards.append(reward)
    return rewards


def test_a_learner_with_the_same_answers_gets_the_same_society() -> None:
    env = make(learner="social_2")

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
