import copy
import hashlib
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
from pettingzoo.test.render_test import render_test

from social_sandbox.envs import UserError, Utterance, sandbox_v0, to_action

from ..helpers.environments import aec, parallel, play_aec, play_parallel

# What PettingZoo says of every environment that speaks text; anything else is news.
EXPECTED = {
    "Observation is not a NumPy array",
    "Observation space for each agent probably should be gymnasium.spaces.box or "
    "gymnasium.spaces.discrete",
    "Action space for each agent probably should be gymnasium.spaces.box or "
    "gymnasium.spaces.discrete",
}


@pytest.mark.parametrize("rules", [{}, {"n_observers": 0, "n_peers": 0}, {"max_cycles": 2}])
def test_the_aec_environment_passes_pettingzoos_api_test(rules):
    with pytest.warns(UserWarning, match="NumPy array|gymnasium.spaces") as caught:
        api_test(aec(**rules), num_cycles=100)
    assert {str(warning.message) for warning in caught} == EXPECTED


@pytest.mark.parametrize("cycles", [5, 200])
@pytest.mark.parametrize("at_once", [False, True])
def test_the_parallel_environment_passes_pettingzoos_api_test(cycles, at_once):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(parallel(observers_at_once=at_once), num_cycles=cycles)


def test_both_environments_pass_pettingzoos_seed_tests():
    seed_test(aec, num_cycles=50)
    parallel_seed_test(parallel, num_cycles=50)


def test_the_pictures_pass_pettingzoos_render_test():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        render_test(lambda render_mode: aec(render_mode=render_mode))


def trajectory_hash(seeds):
    """Of everything that a played episode for each seed shows to anybody."""
    env, digest = aec(n_rounds=3, n_observers=2), hashlib.sha256()
    for seed in seeds:
        env.reset(seed=seed)
        for step in play_aec(env):
            digest.update(repr(step).encode())
        digest.update(repr(env.world.interactions).encode())
    return digest.hexdigest()


def test_whole_episodes_are_the_same_for_the_same_seeds():
    assert trajectory_hash([1, 2, None]) == trajectory_hash([1, 2, None])
    assert trajectory_hash([1]) != trajectory_hash([2])


def test_whole_episodes_do_not_depend_on_the_process():
    code = "from tests.envs.test_sandbox import trajectory_hash; print(trajectory_hash([5]))"
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": "99"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == trajectory_hash([5])


def test_sampled_actions_are_the_same_for_the_same_seed():
    drawn = []
    for _ in range(2):
        space = aec().action_space("social_0")
        space.seed(3)
        drawn.append([space.sample() for _ in range(20)])
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("make", [aec, parallel])
def test_the_first_reset_takes_the_seed_of_the_environment_and_later_resets_derive_theirs(make):
    env, twin = make(seed=4), make(seed=4)
    seeds = []
    for _ in range(3):
        env.reset()
        twin.reset()
        assert env.unwrapped.world.seed == twin.unwrapped.world.seed
        seeds.append(env.unwrapped.world.seed)
    assert seeds[0] == 4
    assert len(set(seeds)) == 3
    env.reset(seed=4)
    env.reset()
    assert env.unwrapped.world.seed == seeds[1]


def test_aec_rewards_an_agent_when_its_interaction_is_finished():
    env = aec(n_observers=2, n_rounds=3)
    env.reset(seed=1)
    paid = dict.fromkeys(env.possible_agents, 0.0)
    traced = []
    for agent, _, reward, _, info in play_aec(env):
        paid[agent] += reward
        traced += [info["interaction"]] if "interaction" in info else []
    interactions = env.world.interactions
    for agent in env.possible_agents:
        earned = sum(i.reward for i in interactions if i.agent == agent)
        assert paid[agent] == pytest.approx(earned)
    assert any(paid.values())
    assert sorted(traced) == sorted(interaction.id for interaction in interactions)


def test_aec_infos_name_the_turn_of_each_action():
    env = aec()
    env.reset()
    asked = [info["turn"] for *_, ended, info in play_aec(env) if not ended]
    assert asked == [turn_id for turn_id, _ in env.world.log]


def test_all_agents_terminate_after_the_last_round():
    env = aec()
    env.reset()
    ends = [agent for agent, _, _, ended, _ in play_aec(env) if ended]
    assert ends == env.possible_agents
    assert env.agents == []
    assert env.world.done
    *_, (_, _, terminations, truncations, _) = play_parallel(parallel())
    assert all(terminations.values())
    assert not any(truncations.values())


def test_parallel_rewards_an_agent_in_the_step_that_finishes_its_interaction():
    env = parallel(n_observers=2, n_rounds=2)
    finished = 0
    for _, rewards, _, _, infos in play_parallel(env, seed=1):
        now = env.world.interactions[finished:]
        finished += len(now)
        expected = dict.fromkeys(env.possible_agents, 0.0) | {i.agent: i.reward for i in now}
        assert rewards == expected
        traced = {
            agent: info["interaction"] for agent, info in infos.items() if "interaction" in info
        }
        assert traced == {i.agent: i.id for i in now}
    assert finished == 8


def test_parallel_shows_every_agent_its_first_pending_turn():
    env = parallel(n_observers=2)
    _, infos = env.reset()
    while env.agents:
        first = {turn.agent: turn.id for turn in reversed(env.world.pending())}
        assert {agent: info["turn"] for agent, info in infos.items() if "turn" in info} == first
        actions = {agent: to_action(Utterance("so", 4.0)) for agent in first}
        *_, infos = env.step(actions)


def test_results_of_earlier_parallel_steps_stay_unchanged():
    env = parallel(n_observers=2, n_rounds=2)
    kept = [step for step in play_parallel(env, seed=1)]
    told = [
        copy.deepcopy(step) for step in play_parallel(parallel(n_observers=2, n_rounds=2), seed=1)
    ]
    assert [repr(step) for step in kept] == [repr(step) for step in told]


def test_parallel_ignores_actions_of_idle_agents():
    env = parallel(n_peers=0)
    env.reset()
    action = to_action(Utterance("me too", 3.0))
    env.step({"observer_0": action, "social_1": action})
    assert [turn_id for turn_id, _ in env.world.log] == ["0/social_1/draft"]


def test_a_turn_without_an_action_stays_pending():
    env = parallel()
    observations, infos = env.reset()
    again, rewards, terminations, _, infos_again = env.step({})
    assert repr(again) == repr(observations)
    assert infos_again == infos
    assert not any(rewards.values())
    assert not any(terminations.values())


def test_parallel_refuses_actions_of_unknown_agents():
    env = parallel()
    env.reset()
    with pytest.raises(UserError, match="'social_99' is no agent"):
        env.step({"social_99": to_action(Utterance())})


def test_a_parallel_step_after_the_end_returns_nothing():
    env = parallel(n_rounds=1)
    assert list(play_parallel(env))
    assert env.step({}) == ({}, {}, {}, {}, {})


def test_max_cycles_truncates_and_can_be_assigned():
    env = parallel(max_cycles=3)
    steps = list(play_parallel(env))
    assert len(steps) == 3
    assert all(steps[-1][3].values())
    assert not any(steps[-1][2].values())
    env.max_cycles = -1
    assert len(list(play_parallel(env))) > 3
    assert env.world.done


def test_a_society_that_finishes_in_the_last_cycle_is_terminated_and_not_truncated():
    env = parallel()
    n_steps = len(list(play_parallel(env, seed=1)))
    env.max_cycles = n_steps
    *_, (_, _, terminations, truncations, _) = play_parallel(env, seed=1)
    assert all(terminations.values())
    assert not any(truncations.values())


def test_a_cycle_of_aec_has_as_many_steps_as_there_are_agents():
    env = aec(max_cycles=3)
    env.reset()
    ended = [ended for *_, ended, _ in play_aec(env)]
    n_agents = len(env.possible_agents)
    assert ended == [False] * 3 * n_agents + [True] * n_agents
    assert not env.world.done


def test_an_environment_can_be_played_again():
    env = aec()
    for seed in (1, 1):
        env.reset(seed=seed)
        steps = [repr(step) for step in play_aec(env, steps=40)]
        assert steps[0].startswith("('social_0'")
    env.reset(seed=1)
    assert [repr(step) for step in play_aec(env, steps=40)] == steps


def test_observers_at_once_give_the_same_interactions_in_far_fewer_steps() -> None:
    played = {}
    for at_once in (False, True):
        env = sandbox_v0.parallel_env(
            grid_size=3, n_rounds=2, n_observers=2, observers_at_once=at_once
        )
        observations, infos = env.reset(seed=5)
        steps = 0
        while env.agents:
            actions: dict[str, Any] = {}
            for agent, seen in observations.items():
                assert env.observation_space(agent).contains(seen)
                if at_once and agent.startswith("observer"):
                    turns = infos[agent].get("turns", ())
                    assert [one["phase"] for one in seen] == ["observe"] * len(turns)
                    actions[agent] = [_by_seed(turn["seed"]) for turn in turns]
                    assert env.action_space(agent).contains(tuple(actions[agent]))
                elif "seed" in infos[agent]:
                    actions[agent] = _by_seed(infos[agent]["seed"])
            observations, *_, infos = env.step(actions)
            steps += 1
        played[at_once] = steps, sorted(env.world.interactions, key=lambda one: one.id)
    assert played[True][1] == played[False][1]
    assert played[True][0] < played[False][0] / 2


def test_an_observer_at_once_needs_a_sequence_of_actions() -> None:
    env = sandbox_v0.parallel_env(grid_size=2, n_rounds=1, observers_at_once=True)
    env.reset(seed=0)
    everybody = dict.fromkeys(env.agents, ACTION) | {"observer_0": (ACTION,)}
    # Actions of an observer without a turn, or beyond its turns, are ignored.
    while not env.step(everybody)[0]["observer_0"]:
        pass
    before = len(env.world.log)
    with pytest.raises(UserError, match="observer_0 answers all its turns at once"):
        env.step(dict.fromkeys(env.agents, ACTION))
    assert len(env.world.log) == before
    with pytest.raises(UserError, match=r"env\.observers_at_once"):
        sandbox_v0.parallel_env(observers_at_once=1)


ACTION = {"text": "Yes.", "rating": np.array(4.0)}


def _by_seed(seed: int) -> dict[str, Any]:
    return {"text": f"text {seed % 97}", "rating": np.array(1.0 + seed % 7)}
