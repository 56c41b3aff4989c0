"""Tests and wrappers of PettingZoo, Gymnasium and SuperSuit, against docs/reference/peers.md."""

import importlib
import inspect
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pettingzoo.test
import pettingzoo.utils
import pettingzoo.utils.wrappers
import pytest
import supersuit
from gymnasium import wrappers
from pettingzoo.utils import conversions

import social_sandbox.policies  # noqa: F401  (registers social_sandbox/Solo-v0)
from social_sandbox.envs import Question, sandbox_v0

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "peers.md"
RULES: dict[str, Any] = {
    "grid_size": 2,
    "n_rounds": 1,
    "n_peers": 1,
    "max_text_length": 50,
    "questions": [Question("May I lie?", good="No.", bad="Yes.")],
}


def tables() -> dict[str, dict[str, tuple[str, str]]]:
    """(works, note) of each name, by the headings of the page."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|\s*([^|]*?)\s*\|$", part, re.M)
        found[part.split("\n")[0]] = {name: (works, note) for name, works, note in rows}
    return found


TABLES = tables()


def aec(**settings: Any) -> Any:
    return sandbox_v0.env(**{**RULES, **settings})


def parallel(**settings: Any) -> Any:
    return sandbox_v0.parallel_env(**{**RULES, **settings})


def solo(**settings: Any) -> Any:
    return gymnasium.make("social_sandbox/Solo-v0", **{**RULES, **settings})


def solos(**settings: Any) -> Any:
    settings = {**RULES, **settings}
    return gymnasium.make_vec("social_sandbox/Solo-v0", 2, vectorization_mode="sync", **settings)


def play_aec(env: Any) -> None:
    env.reset(seed=1)
    for agent in env.agent_iter(60):
        observation, _, terminated, truncated, _ = env.last()
        assert env.observation_space(agent).contains(observation)
        env.step(None if terminated or truncated else env.action_space(agent).sample())
    env.close()


def play_parallel(env: Any) -> None:
    env.reset(seed=1)
    for _ in range(20):
        if env.agents:
            observations, *_ = env.step(
                {agent: env.action_space(agent).sample() for agent in env.agents}
            )
            assert all(env.observation_space(a).contains(o) for a, o in observations.items())
    env.close()


def play_solo(env: Any) -> None:
    observation, _ = env.reset(seed=1)
    for _ in range(4):
        assert observation in env.observation_space
        observation, _, ended, truncated, _ = env.step(env.action_space.sample())
        if ended or truncated:
            observation, _ = env.reset()
    if env.render_mode:
        env.render()
    env.close()


def play_vector(env: Any) -> None:
    observations, _ = env.reset(seed=1)
    for _ in range(12):
        assert observations in env.observation_space
        observations, *_ = env.step(env.action_space.sample())
    env.close()


def works(check: Callable[[], Any]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check()
        except Exception:
            return False
    return True


def agrees(table: str, name: str, check: Callable[[], Any]) -> None:
    said, note = TABLES[table][name]
    assert works(check) is (said == "yes")
    assert note or said == "yes", "the page says why"


def functions(module: Any) -> list[str]:
    return [name for name, _ in inspect.getmembers(module, inspect.isfunction)]


PETTINGZOO_TESTS = "PettingZoo's tests"
PETTINGZOO_WRAPPERS = "PettingZoo's wrappers"
GYMNASIUM_WRAPPERS = "Gymnasium's wrappers"
GYMNASIUM_VECTORS = "Gymnasium's wrappers of vectors"
SUPERSUIT = "SuperSuit"
NAMES = {
    PETTINGZOO_TESTS: [n for n in functions(pettingzoo.test) if n != "collect_render_results"],
    PETTINGZOO_WRAPPERS: [*pettingzoo.utils.wrappers.__all__, *functions(pettingzoo.utils)],
    GYMNASIUM_WRAPPERS: [name for name in wrappers.__all__ if name != "vector"],
    GYMNASIUM_VECTORS: list(wrappers.vector.__all__),
    SUPERSUIT: [name for name in dir(supersuit) if re.search(r"_v\d$", name)],
}


@pytest.mark.parametrize("table", NAMES)
def test_the_page_lists_everything_that_there_is(table: str) -> None:
    assert sorted(TABLES[table]) == sorted(NAMES[table])


def manual_control() -> None:
    raise NotImplementedError("the test presses keys, and an environment of texts has none")


CHECKS: dict[str, Callable[[], Any]] = {
    "api_test": lambda: pettingzoo.test.api_test(aec(), 20),
    "bombardment_test": lambda: pettingzoo.test.bombardment_test(aec(), 2),
    "manual_control_test": manual_control,
    "max_cycles_test": lambda: pettingzoo.test.max_cycles_test(
        SimpleNamespace(env=aec, parallel_env=parallel)
    ),
    "parallel_api_test": lambda: pettingzoo.test.parallel_api_test(parallel(), 20),
    "parallel_seed_test": lambda: pettingzoo.test.parallel_seed_test(parallel, 20),
    "performance_benchmark": lambda: pettingzoo.test.performance_benchmark(aec()),
    "render_test": lambda: pettingzoo.test.render_test(aec),
    "seed_test": lambda: pettingzoo.test.seed_test(aec, 20),
    "state_test": lambda: pettingzoo.test.state_test(aec(), parallel(), 5),
    "test_save_obs": lambda: pettingzoo.test.test_save_obs(aec()),
}


@pytest.mark.parametrize("name", CHECKS)
def test_pettingzoos_tests(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000))
    benchmark = sys.modules["pettingzoo.test.performance_benchmark"]
    monkeypatch.setattr(benchmark, "time", SimpleNamespace(time=lambda: next(clock)))
    agrees(PETTINGZOO_TESTS, name, CHECKS[name])


def needs(name: str) -> None:
    """Skip what a package that is not installed would have to do."""
    for part, package in (("RecordVideo", "moviepy"), ("HumanR", "pygame"), ("Jax", "jax")):
        if name.startswith(part):
            pytest.importorskip(package)


@pytest.mark.parametrize("name", NAMES[PETTINGZOO_WRAPPERS])
def test_pettingzoos_wrappers(name: str, tmp_path: Path) -> None:
    needs(name)
    settings: dict[str, Any] = {
        "MultiEpisodeEnv": {"num_episodes": 2},
        "MultiEpisodeParallelEnv": {"num_episodes": 2},
        "RecordVideo": {"video_folder": str(tmp_path)},
        "RecordVideoParallel": {"video_folder": str(tmp_path)},
        "TerminateIllegalWrapper": {"illegal_reward": -1},
    }.get(name, {})
    mode = {"CaptureStdoutWrapper": "human", "RecordVideo": "rgb_array"}.get(name)
    mode = "rgb_array" if name == "RecordVideoParallel" else mode

    def saved() -> None:
        env = aec()
        env.reset()
        pettingzoo.utils.save_observation(env, save_dir=str(tmp_path))

    others: dict[str, Callable[[], Any]] = {
        "aec_to_parallel": lambda: play_parallel(conversions.aec_to_parallel(aec())),
        "average_total_reward": lambda: pettingzoo.utils.average_total_reward(aec(), 1, 50),
        "parallel_to_aec": lambda: play_aec(conversions.parallel_to_aec(parallel())),
        "random_demo": lambda: pettingzoo.utils.random_demo(aec(), render=False, episodes=1),
        "save_observation": saved,
        "turn_based_aec_to_parallel": lambda: play_parallel(
            conversions.turn_based_aec_to_parallel(aec())
        ),
    }

    def wrapped() -> None:
        wrapper = getattr(pettingzoo.utils.wrappers, name)
        if "Parallel" in name:
            play_parallel(wrapper(parallel(render_mode=mode), **settings))
        else:
            play_aec(wrapper(aec(render_mode=mode), **settings))

    agrees(PETTINGZOO_WRAPPERS, name, others.get(name, wrapped))


PICTURES = {
    "AddRenderObservation",
    "AddWhiteNoise",
    "AtariPreprocessing",
    "HumanRendering",
    "ObstructView",
    "RecordVideo",
    "RenderCollection",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "AddWhiteNoise": {"probability_of_noise_per_pixel": 0.5},
    "ArrayConversion": {"env_xp": np, "target_xp": np},
    "AtariPreprocessing": {"frame_skip": 1},
    "ClipReward": {"min_reward": -1, "max_reward": 1},
    "DelayObservation": {"delay": 1},
    "DiscretizeAction": {"bins": 3},
    "DiscretizeObservation": {"bins": 3},
    "DtypeObservation": {"dtype": np.float32},
    "FilterObservation": {"filter_keys": ["question"]},
    "FrameStackObservation": {"stack_size": 2},
    "ObstructView": {"obstructed_pixels_ratio": 0.5, "obstruction_width": 2},
    "RepeatAction": {"num_repeats": 2},
    "RescaleAction": {"min_action": 0, "max_action": 1},
    "RescaleObservation": {"min_obs": 0, "max_obs": 1},
    "ReshapeObservation": {"shape": (2,)},
    "ResizeObservation": {"shape": (4, 4)},
    "StickyAction": {"repeat_action_probability": 0.5},
    "TimeLimit": {"max_episode_steps": 3},
    "TransformAction": {"func": lambda action: action, "action_space": None},
    "TransformObservation": {
        "func": lambda observation: observation["question"],
        "observation_space": solo().observation_space["question"],
    },
    "TransformReward": {"func": lambda reward: 2 * reward},
}


@pytest.mark.parametrize("name", NAMES[GYMNASIUM_WRAPPERS])
def test_gymnasiums_wrappers(name: str, tmp_path: Path) -> None:
    needs(name)
    settings = SETTINGS.get(name, {})
    if name == "RecordVideo":
        settings = {"video_folder": str(tmp_path)}
    mode = "rgb_array" if name in PICTURES else None
    limit = {"max_episode_steps": 3} if name == "TimeAwareObservation" else {}
    env = solo(render_mode=mode, **limit)
    agrees(GYMNASIUM_WRAPPERS, name, lambda: play_solo(getattr(wrappers, name)(env, **settings)))


def identity(value: Any) -> Any:
    return value


VECTOR_SETTINGS: dict[str, dict[str, Any]] = SETTINGS | {
    "TransformAction": {"func": identity},
    "TransformObservation": {"func": identity},
    "VectorizeTransformAction": {
        "wrapper": wrappers.TransformAction,
        "func": identity,
        "action_space": None,
    },
    "VectorizeTransformObservation": {
        "wrapper": wrappers.FilterObservation,
        "filter_keys": ["question"],
    },
    "VectorizeTransformReward": {"wrapper": wrappers.TransformReward, "func": identity},
}


@pytest.mark.parametrize("name", NAMES[GYMNASIUM_VECTORS])
def test_gymnasiums_wrappers_of_vectors(name: str, tmp_path: Path) -> None:
    needs(name)
    settings = VECTOR_SETTINGS.get(name, {})
    if name == "RecordVideo":
        settings = {"video_folder": str(tmp_path)}
    env = solos(render_mode="rgb_array" if name in PICTURES else None)
    agrees(
        GYMNASIUM_VECTORS,
        name,
        lambda: play_vector(getattr(wrappers.vector, name)(env, **settings)),
    )
    env.close()


SUPERSUIT_SETTINGS: dict[str, dict[str, Any]] = {
    "action_lambda_v1": {
        "change_action_fn": lambda action, space: action,
        "change_space_fn": identity,
    },
    "delay_observations_v0": {"delay": 1},
    "dtype_v0": {"dtype": np.float32},
    "frame_skip_v0": {"num_frames": 2},
    "frame_stack_v1": {"stack_size": 2},
    "frame_stack_v2": {"stack_size": 2},
    "gym_vec_env_v0": {"num_envs": 2},
    "max_observation_v0": {"memory": 2},
    "nan_noop_v0": {"no_op_action": ""},
    "observation_lambda_v0": {
        "change_observation_fn": lambda observation, space: observation["question"],
        "change_obs_space_fn": lambda space: space["question"],
    },
    "reshape_v0": {"shape": (2,)},
    "resize_v1": {"x_size": 2, "y_size": 2},
    "reward_lambda_v0": {"change_reward_fn": identity},
    "scale_actions_v0": {"scale": 2},
    "stable_baselines3_vec_env_v0": {"num_envs": 2},
    "stable_baselines_vec_env_v0": {"num_envs": 2},
    "sticky_actions_v0": {"repeat_action_probability": 0.5},
    "vectorize_aec_env_v0": {"num_envs": 2},
}


def play_agents(env: Any) -> None:
    """Play a vector whose environments are the agents of one society, or of several."""
    env.reset(seed=1)
    for _ in range(5):
        observations, *_ = env.step([env.action_space.sample() for _ in range(env.num_envs)])
        assert len(observations["question"]) == env.num_envs


@pytest.mark.parametrize("name", NAMES[SUPERSUIT])
def test_supersuit(name: str) -> None:
    wrapper, settings = getattr(supersuit, name), SUPERSUIT_SETTINGS.get(name, {})
    checks: dict[str, Callable[[], Any]] = {
        "AEC": lambda: play_aec(wrapper(aec(), **settings)),
        "parallel": lambda: play_parallel(wrapper(parallel(), **settings)),
        "Solo": lambda: play_solo(wrapper(solo(), **settings)),
    }
    if name == "pettingzoo_env_to_vec_env_v1":
        checks = {"parallel": lambda: play_agents(wrapper(parallel()))}
    if name == "concat_vec_envs_v1":
        agents = supersuit.pettingzoo_env_to_vec_env_v1
        checks = {"parallel": lambda: play_agents(wrapper(agents(parallel()), 2))}
    said, note = TABLES[SUPERSUIT][name]
    faces = [face for face, check in checks.items() if works(check)]
    assert said == (", ".join(faces) or "no")
    assert note or said == "AEC, parallel, Solo"


def test_the_page_names_the_versions_that_were_tried() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for package in ("pettingzoo", "gymnasium", "supersuit"):
        version = importlib.import_module(package).__version__
        assert re.search(rf"{package} {re.escape(version.rpartition('.')[0])}", text, re.I)
