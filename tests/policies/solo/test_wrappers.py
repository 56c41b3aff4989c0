import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from social_sandbox.envs import UserError
from social_sandbox.policies.solo import ChosenText, EmbeddedObservation

from ..conftest import QUESTIONS

KIND = "I am sorry to hear that. I care about you, I will listen, and you can trust me."
CANDIDATES = ["No.", "Go away, you fool.", KIND, "Whatever."]


def make(candidates: Any = CANDIDATES, **settings: Any) -> Any:
    rules = {"grid_size": 2, "n_rounds": 1, "questions": QUESTIONS, "disable_env_checker": True}
    env = gymnasium.make("social_sandbox/Solo-v0", **rules, **settings)
    return EmbeddedObservation(ChosenText(env, candidates, count=4))


def test_observations_are_vectors_and_actions_are_numbers() -> None:
    env = make()
    with warnings.catch_warnings():
        # That a wrapped environment is checked.
        warnings.simplefilter("ignore", UserWarning)
        check_env(env, skip_render_check=True)
    observation, _ = env.reset(seed=0)
    assert observation.dtype == np.float32
    assert env.observation_space.contains(observation)
    assert env.action_space == gymnasium.spaces.Discrete(4)


def test_the_chosen_text_is_said() -> None:
    env = make()
    env.reset(seed=0)
    env.step(2)
    assert env.unwrapped.world.log[0][1].text == KIND


def test_a_number_is_a_rating_where_one_is_asked() -> None:
    env = make()
    env.reset(seed=0)
    while not env.step(np.int64(3))[2]:
        pass
    ratings = [said.rating for turn, said in env.unwrapped.world.log if turn.endswith("/social_0")]
    assert ratings
    assert set(ratings) == {7.0}


def test_candidates_may_come_from_a_function() -> None:
    env = make(lambda observation: [f"{observation['question']} {n}" for n in range(4)])
    env.reset(seed=0)
    env.step(1)
    assert env.unwrapped.world.log[0][1].text.endswith("? 1")
    wrong = make(lambda observation: ["a", "b"])
    wrong.reset(seed=0)
    with pytest.raises(UserError, match="candidates: must be 4 texts, got 2"):
        wrong.step(0)
    with pytest.raises(UserError, match="a choice needs two texts"):
        ChosenText(env.unwrapped, ["one"])
    with pytest.raises(UserError, match="a function needs count"):
        ChosenText(env.unwrapped, lambda observation: ["a", "b"])


def test_the_observation_tells_what_peers_said() -> None:
    env = make()
    env.reset(seed=0)
    observations = [env.step(0)[0] for _ in range(4)]
    assert any(observation[-1] > 0 for observation in observations)


@pytest.mark.slow
def test_ppo_of_stable_baselines_learns_to_be_kind() -> None:
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    import torch

    # Matrices of this size are slower on several threads.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # The learner drafts and revises, and nobody else asks for its feedback.
    rules: dict[str, Any] = {"n_peers": 0, "memory": False}
    model = stable_baselines3.PPO(
        "MlpPolicy",
        make(**rules),
        seed=0,
        n_steps=128,
        batch_size=64,
        learning_rate=3e-3,
        device="cpu",
    )
    before = mean_return(make(**rules), model)
    model.learn(384)
    after = mean_return(make(**rules), model)
    torch.set_num_threads(threads)
    assert after > before + 1


def mean_return(env: Any, model: Any, episodes: int = 20) -> float:
    total = 0.0
    for seed in range(episodes):
        observation, _ = env.reset(seed=seed)
        over = False
        while not over:
            action, _ = model.predict(observation, deterministic=False)
            observation, reward, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
            total += float(reward)
    return total / episodes
