from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from social_sandbox.envs import Turn, UserError
from social_sandbox.policies import AttentivePolicy

from ..conftest import QUESTIONS

RULES: dict[str, Any] = {"grid_size": 2, "n_rounds": 1, "questions": QUESTIONS}
ID = "social_sandbox/Solo-v0"


def make_vec(mode: str | None, count: int = 3, **settings: Any) -> Any:
    return gymnasium.make_vec(ID, num_envs=count, vectorization_mode=mode, **{**RULES, **settings})


def play(envs: Any, steps: int) -> list[Any]:
    """Return all that the environments show in some steps with fixed answers."""
    observation, infos = envs.reset(seed=5)
    shown: list[Any] = [(observation, infos.get("turn"))]
    for step in range(steps):
        texts = [f"I care about {step} and {number}." for number in range(envs.num_envs)]
        observation, rewards, terminated, truncated, infos = envs.step(texts)
        shown.append((observation, rewards.tolist(), terminated.tolist(), truncated.tolist()))
        shown.append({name: np.asarray(infos[name]).tolist() for name in sorted(infos)})
    return shown


@pytest.mark.parametrize("autoreset", list(AutoresetMode))
def test_the_native_environments_show_what_those_in_sync_mode_show(autoreset: Any) -> None:
    native = make_vec(None, autoreset_mode=autoreset)
    sync = make_vec("sync", vector_kwargs={"autoreset_mode": autoreset})
    steps = 4 if autoreset is AutoresetMode.DISABLED else 17
    for one, other in zip(play(native, steps), play(sync, steps), strict=True):
        assert str(one) == str(other)


def test_make_vec_is_native_by_default() -> None:
    assert type(make_vec(None).unwrapped).__name__ == "SoloVectorEnv"


@pytest.mark.parametrize("mode", ["vector_entry_point", "sync"])
def test_episodes_have_statistics(mode: str) -> None:
    envs = RecordEpisodeStatistics(make_vec(mode, n_rounds=2))
    envs.reset(seed=1)
    returns, total = [], np.zeros(3)
    for _ in range(40):
        _, rewards, _, _, infos = envs.step(["I care, and I will listen."] * 3)
        total += rewards
        if "episode" in infos:
            returns.append(infos["episode"]["r"].copy())
            assert infos["episode"]["l"].min() > 1
            break
    np.testing.assert_allclose(returns[0], total)


def test_the_others_of_all_environments_answer_in_batches() -> None:
    sizes: list[int] = []

    def others(turns: list[Turn]) -> list[Any]:
        sizes.append(len(turns))
        return AttentivePolicy().act(turns)

    envs = make_vec(None, count=8, others=others)
    envs.reset(seed=0)
    envs.step(["Hello."] * 8)
    # The three others draft, and the two neighbours give feedback, in each of the eight societies.
    assert sizes == [8 * (3 + 2)]


def test_a_mask_resets_some_environments_alone() -> None:
    envs = make_vec(None)
    envs.reset(seed=0)
    envs.step(["Hello."] * 3)
    _, infos = envs.reset(seed=7, options={"reset_mask": np.array([True, False, False])})
    assert infos["turn"][0].endswith("/draft")
    assert len(envs.unwrapped.envs[1].world.log) > 0


def test_wrong_settings_are_named() -> None:
    with pytest.raises(UserError, match="no agent 'social_9'"):
        make_vec(None, learner="social_9")
