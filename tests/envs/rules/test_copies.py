"""Copies, pickles and forks of a game under way."""

import copy
import pickle
import threading
from typing import Any

import gymnasium
import numpy as np
import pytest
from pettingzoo.utils.conversions import parallel_to_aec, turn_based_aec_to_parallel

from social_sandbox.envs import HashingEmbedder, UserError, World, WorldConfig, to_action
from social_sandbox.policies import HumanPolicy
from social_sandbox.policies.openai.embedder import OpenAIEmbedder

from ...helpers.environments import SETTINGS, aec, chat_actions, parallel
from ...helpers.societies import QUESTIONS, chat

COPIES = [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))]


class LockedEmbedder(HashingEmbedder):
    """An embedder with a lock, which cannot be copied; it counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.lock, self.calls = threading.Lock(), 0

    def embed(self, texts: Any) -> Any:
        with self.lock:
            self.calls += 1
            return super().embed(texts)


def step_aec(env: Any, steps: int = 10_000) -> list[str]:
    told = []
    while env.agents and len(told) < steps:
        observation, reward, terminated, truncated, info = env.last()
        ended = terminated or truncated
        told.append(repr((env.agent_selection, observation, reward, ended, info)))
        env.step(None if ended else to_action(chat(info["seed"], observation["phase"])))
    return told


def finish_aec(env: Any) -> str:
    return repr(step_aec(env)) + repr(env.world.interactions)


def finish_parallel(env: Any, observations: Any, infos: Any) -> str:
    told = []
    while env.agents:
        result = env.step(chat_actions(observations, infos))
        observations, infos = result[0], result[-1]
        told.append(result)
    return repr(told) + repr(env.world.interactions)


@pytest.mark.parametrize("twin_of", COPIES)
@pytest.mark.parametrize("steps", [0, 7, 30, 10_000])
def test_a_copy_of_the_aec_environment_plays_on_as_the_original_does(twin_of: Any, steps: int):
    env = aec(n_rounds=2, render_mode="human")
    env.reset(seed=1)
    step_aec(env, steps)
    twin = twin_of(env)
    assert twin.agents == env.agents
    before = env.world.log.copy()
    told = finish_aec(twin)
    assert env.world.log == before, "the original stays where it was"
    assert finish_aec(env) == told


@pytest.mark.parametrize("twin_of", COPIES)
@pytest.mark.parametrize("steps", [0, 4, 9])
def test_a_copy_of_the_parallel_environment_plays_on_as_the_original_does(twin_of: Any, steps: int):
    env = parallel(n_rounds=2, n_observers=2)
    observations, infos = env.reset(seed=1)
    for _ in range(steps):
        observations, _, _, _, infos = env.step(chat_actions(observations, infos))
    twin = twin_of(env)
    told = finish_parallel(twin, observations, infos)
    assert len(env.world.log) < len(twin.world.log)
    assert finish_parallel(env, observations, infos) == told


@pytest.mark.parametrize("twin_of", COPIES)
def test_a_copy_made_before_reset_begins_as_the_original_does(twin_of: Any):
    for make in (aec, parallel):
        env = make(seed=9)
        twin = twin_of(env)
        env.reset()
        twin.reset()
        assert twin.unwrapped.world.seed == env.unwrapped.world.seed == 9
    env.reset()
    twin.reset()
    assert twin.world.seed == env.world.seed, "later resets, too"


@pytest.mark.parametrize("twin_of", COPIES)
@pytest.mark.parametrize("convert", [turn_based_aec_to_parallel, parallel_to_aec])
def test_a_converted_environment_can_be_copied(twin_of: Any, convert: Any):
    env = convert(parallel() if convert is parallel_to_aec else aec())
    env.reset(seed=1)
    twin = twin_of(env)
    assert twin.unwrapped.world.log == env.unwrapped.world.log
    assert twin.unwrapped.world is not env.unwrapped.world


def play_solo(env: Any, observation: Any, steps: int | None = None) -> list[str]:
    told, ended = [], False
    while not ended and len(told) != steps:
        text = f"{observation['phase']} of {observation['question']}"
        observation, reward, ended, _, info = env.step(text)
        told.append(repr((observation, reward, ended, info)))
    return told


@pytest.mark.parametrize("twin_of", COPIES)
@pytest.mark.parametrize("steps", [0, 3, None])
def test_a_copy_of_the_environment_of_one_learner_plays_on(twin_of: Any, steps: int | None):
    env = gymnasium.make("social_sandbox/Solo-v0", **SETTINGS, n_rounds=2, render_mode="human")
    observation, _ = env.reset(seed=3)
    play_solo(env, observation, steps)
    twin = twin_of(env)
    if steps is not None:
        assert play_solo(twin, observation) == play_solo(env, observation)
    worlds = [each.unwrapped.world for each in (env, twin)]
    assert worlds[0].interactions == worlds[1].interactions
    assert worlds[0] is not worlds[1]
    seeds = []
    for each in (env, twin):
        each.reset()
        seeds.append(each.unwrapped.world.seed)
    assert seeds[0] == seeds[1]


def test_copies_share_embedders_which_may_hold_locks():
    embedder = LockedEmbedder()
    env = aec(embedder=embedder)
    env.reset(seed=1)
    step_aec(env, 11)
    calls = embedder.calls
    twin = copy.deepcopy(env)
    assert embedder.calls == calls, "nothing is embedded again"
    assert finish_aec(twin) == finish_aec(env)
    solo = gymnasium.make("social_sandbox/Solo-v0", **SETTINGS, embedder=embedder)
    observation, _ = solo.reset(seed=1)
    assert play_solo(copy.deepcopy(solo), observation) == play_solo(solo, observation)


@pytest.mark.parametrize("twin_of", COPIES)
def test_copies_of_what_an_api_and_a_person_need_hold_no_connection_and_no_key(
    twin_of: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SOME_KEY", "canary-1")
    embedder = OpenAIEmbedder(
        "m", base_url="http://127.0.0.1:9/v1", api_key_env="SOME_KEY", max_retries=0
    )
    with pytest.raises(UserError, match="cannot reach"):
        embedder.embed(["opens a connection"])
    assert b"canary" not in pickle.dumps(embedder)
    world = World(WorldConfig(grid_size=2))
    world._memory._embedder = embedder
    assert twin_of(world).pending() == world.pending()
    assert twin_of(HumanPolicy("me")).name == "me"


def world_at(n_turns: int, **settings: Any) -> World:
    config = WorldConfig(grid_size=2, n_rounds=3, n_peers=2)
    world = World(config, **({"questions": QUESTIONS, "seed": 5} | settings))
    play(world, n_turns)
    return world


def play(world: World, n_turns: int = 10_000) -> World:
    for _ in range(n_turns):
        turn = world.first_pending()
        if turn is None:
            break
        world.submit(turn.id, chat(turn.seed, turn.phase))
    return world


PLACES = [0, 1, 5, 9, 40, 79, 80, 10_000]


@pytest.mark.parametrize("n_turns", PLACES)
@pytest.mark.parametrize("twin_of", [World.fork, copy.copy, *COPIES])
def test_a_fork_is_the_same_world_and_independent(n_turns: int, twin_of: Any):
    world = world_at(n_turns)
    fork = twin_of(world)
    for one in ("log", "interactions", "round", "done", "name", "seed"):
        assert getattr(fork, one) == getattr(world, one)
    assert fork.pending() == world.pending()
    assert fork.opened() == world.opened()
    log = world.log.copy()
    play(fork)
    assert world.log == log
    assert play(world).interactions == fork.interactions
    assert fork.log == world.log


@pytest.mark.parametrize("n_turns", PLACES)
def test_a_fork_of_another_name_equals_a_world_of_that_name(n_turns: int):
    world = world_at(n_turns)
    twin = world_at(0, name="twin")
    twin.replay(world.log)
    fork = world.fork(name="twin")
    assert fork.interactions == twin.interactions
    assert fork.pending() == twin.pending()
    assert play(fork).interactions == play(twin).interactions
    assert {interaction.world for interaction in world.interactions} <= {"world_0"}


def test_forks_of_different_samples_ask_the_same_with_different_seeds():
    world = world_at(50)
    forks = [world.fork(sample=number) for number in range(3)]
    forks += [world.fork(), forks[0].fork(sample=0)]
    for turns in zip(*(fork.pending() for fork in forks), strict=True):
        assert len({turn.seed for turn in turns}) == len(forks)
        assert len({(turn.id, turn.question, turn.memory, turn.world) for turn in turns}) == 1
    ends = [play(fork) for fork in forks]
    assert len({repr(end.interactions) for end in ends}) == len(forks)
    for end in ends:
        again = world_at(0)
        again.replay(end.log)
        assert again.interactions == end.interactions, "the log is the state of a fork, too"


def test_forks_learn_apart_from_each_other():
    world = world_at(30)
    one, other = world.fork(), world.fork()
    play(one)
    play(world.fork(sample=1))
    assert play(other).interactions == one.interactions == play(world).interactions


def test_a_fork_embeds_nothing():
    embedder = LockedEmbedder()
    world = world_at(30, embedder=embedder)
    calls = embedder.calls
    for number in range(10):
        world.fork(sample=number)
    assert embedder.calls == calls


def test_numpys_integers_are_the_same_seeds():
    assert world_at(0, seed=np.int64(5)).pending() == world_at(0).pending()
