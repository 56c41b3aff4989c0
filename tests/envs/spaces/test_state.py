import numpy as np
import pytest
from pettingzoo.test.state_test import state_test
from pettingzoo.utils.conversions import parallel_to_aec, turn_based_aec_to_parallel
from pettingzoo.utils.wrappers import BaseParallelWrapper, BaseWrapper

from social_sandbox.envs.spaces.state import AGENT_SIZE

from ...helpers.environments import aec, parallel, play_aec, play_parallel


def test_both_environments_pass_pettingzoos_state_test(recwarn):
    state_test(aec(n_rounds=2, n_observers=2), parallel(), num_cycles=50)
    assert not recwarn.list


@pytest.mark.parametrize("rules", [{}, {"n_peers": 0, "n_observers": 0}, {"rating_scale": 10}])
def test_every_state_lies_in_its_space_and_depends_on_the_game_alone(rules):
    told = []
    for _ in range(2):
        env = aec(n_rounds=2, **rules)
        env.reset(seed=4)
        states = [env.state()]
        for _ in play_aec(env):
            states.append(env.state())
        assert all(state in env.state_space for state in states)
        told.append(np.stack(states))
    assert np.array_equal(*told)
    assert told[0].dtype == np.float32
    assert told[0][-1][0] == 1.0, "all rounds are over"


def test_each_answer_changes_the_state():
    env = aec(n_observers=0)
    env.reset()
    before = env.state()
    while env.agents and not env.terminations[env.agent_selection]:
        env.step("Be kind." if env.last()[0]["phase"] != "feedback" else 5)
        assert not np.array_equal(env.state(), before)
        before = env.state()


def test_the_state_tells_what_is_said_and_how_it_is_rated():
    def state(text, rating):
        env = aec(n_peers=1)
        env.reset(seed=0)
        env.step(text)
        env.step(rating)
        return env.state()

    usual = state("Be kind.", 5)
    for other in (state("Be unkind.", 5), state("Be kind.", 3)):
        assert not np.array_equal(usual, other)
    first = usual[1 : 1 + AGENT_SIZE]
    assert first[1:5].tolist() == [0, 0, 1, 0], "it revises"
    assert first[6] == pytest.approx(5 / 7)


def test_both_environments_have_the_same_state():
    env, twin = aec(n_rounds=2), parallel(n_rounds=2)
    env.reset(seed=2)
    for _ in play_aec(env):
        pass
    for _ in play_parallel(twin, seed=2):
        pass
    assert env.state_space == twin.state_space
    assert np.array_equal(env.state(), twin.state())


@pytest.mark.parametrize(
    "make",
    [
        lambda: BaseWrapper(aec()),
        lambda: BaseParallelWrapper(parallel()),
        lambda: parallel_to_aec(parallel()),
        lambda: turn_based_aec_to_parallel(aec()),
    ],
)
def test_conversions_and_wrappers_keep_the_state(make):
    env = make()
    env.reset(seed=2)
    assert env.state() in env.state_space
    assert env.state_space == parallel().state_space


def test_there_is_no_state_before_the_first_reset():
    with pytest.raises(AttributeError, match="before reset"):
        parallel().state()
    assert parallel().state_space.shape == (1 + 4 * AGENT_SIZE,)
