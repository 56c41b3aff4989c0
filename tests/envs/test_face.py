import pickle
from dataclasses import fields

import pettingzoo
import pytest

from social_sandbox.envs import UserError, WorldConfig, sandbox_v0

from ..helpers.environments import SETTINGS, aec, parallel, play_aec, play_parallel
from ..helpers.societies import QUESTIONS


def test_the_registry_makes_both_environments():
    env = pettingzoo.make("aec", "social_sandbox/sandbox-v0", **SETTINGS)
    assert isinstance(env, pettingzoo.AECEnv)
    assert str(env) == "sandbox_v0"
    twin = pettingzoo.make("parallel", "social_sandbox/sandbox-v0", max_cycles=3, **SETTINGS)
    assert isinstance(twin, pettingzoo.ParallelEnv)
    assert twin.max_cycles == 3
    assert env.possible_agents == twin.possible_agents


def test_a_pickled_environment_plays_the_same_game():
    env = aec(seed=9, name="mine")
    copy = pickle.loads(pickle.dumps(env))
    env.reset()
    copy.reset()
    assert [repr(step) for step in play_aec(env)] == [repr(step) for step in play_aec(copy)]
    assert env.world.interactions == copy.world.interactions
    twin = parallel(max_cycles=2, render_mode="ansi")
    again = pickle.loads(pickle.dumps(twin))
    assert (again.max_cycles, again.render_mode) == (2, "ansi")
    assert repr(list(play_parallel(twin))) == repr(list(play_parallel(again)))


def test_every_rule_of_the_world_is_a_setting_of_the_environment():
    rules = {field.name: field.default for field in fields(WorldConfig)} | {"n_rounds": 7}
    env = sandbox_v0.raw_env(questions=QUESTIONS, **rules)
    env.reset()
    assert env.world.config == WorldConfig(**rules)


def test_an_unknown_setting_is_named():
    with pytest.raises(UserError, match=r"env\.gird_size: no such.* mean 'env\.grid_size'"):
        aec(gird_size=3)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("render_mod", "render_mode"),
        ("seeed", "seed"),
        ("max_cycle", "max_cycles"),
        ("grid", "grid_size"),
        ("question", "questions"),
        ("embeder", "embedder"),
    ],
)
def test_the_nearest_name_of_an_unknown_keyword_is_named(name, nearest):
    for kind in ("aec", "parallel"):
        with pytest.raises(UserError, match=rf"env\.{name}: no such.* mean 'env\.{nearest}'"):
            pettingzoo.make(kind, "social_sandbox/sandbox-v0", **{name: 3})


def test_an_unknown_keyword_without_a_near_name_is_named_alone():
    with pytest.raises(UserError, match=r"^env\.xyz: no such setting$"):
        parallel(xyz=1)


def test_unknown_options_of_reset_are_named():
    for env in (aec(), parallel()):
        with pytest.raises(UserError, match=r"reset options\.nmae.* mean 'reset options\.name'"):
            env.reset(options={"nmae": "x"})


@pytest.mark.parametrize("setting", ["seed", "max_cycles", "max_text_length"])
@pytest.mark.parametrize("value", ["one", 1.5, []])
def test_counts_and_seeds_are_whole_numbers(setting, value):
    with pytest.raises(UserError, match=rf"env\.{setting}: must be a whole number, got"):
        aec(**{setting: value})


def test_a_list_of_texts_is_no_list_of_questions():
    with pytest.raises(UserError, match=r"env\.questions\[0\]: must be a Question, got 'May I"):
        aec(questions=["May I lie?"])


@pytest.mark.parametrize(
    ("setting", "value"), [("render_mode", "screen"), ("max_text_length", 0), ("grid_size", 0)]
)
def test_a_setting_out_of_range_is_named(setting, value):
    with pytest.raises(UserError, match=rf"env\.{setting}"):
        aec(**{setting: value})


def test_questions_may_come_from_a_file(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "Only this?", "good": "g", "bad": "b"}')
    for source in (path, str(path)):
        env = aec(questions=source)
        env.reset()
        assert [question.text for question in env.world.questions] == ["Only this?"]


def test_the_name_of_the_world_stands_in_the_records():
    env = aec(name="first", n_observers=0, n_peers=0)
    for options, name in ((None, "first"), ({"name": "second"}, "second"), ({}, "first")):
        env.reset(options=options)
        assert len(list(play_aec(env))) > 0
        assert {interaction.world for interaction in env.world.interactions} == {name}


def test_there_is_no_world_before_the_first_reset():
    with pytest.raises(AttributeError, match="before reset"):
        _ = parallel().world


class CountingName(str):
    """The name of an agent, which counts its comparisons with other names."""

    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        CountingName.comparisons += 1
        return str.__eq__(self, other)


def test_spaces_are_found_without_a_search_through_all_agents():
    env = parallel(grid_size=30)
    CountingName.comparisons = 0
    for agent in env.possible_agents:
        env.observation_space(CountingName(agent))
        env.action_space(CountingName(agent))
    assert CountingName.comparisons < 10 * len(env.possible_agents)


def test_an_agent_keeps_its_spaces_and_an_unknown_agent_has_none():
    env = aec()
    for space in (env.observation_space, env.action_space):
        assert space("social_0") is space("social_0")
        assert space("social_0") is not space("social_1")
        with pytest.raises(KeyError, match="social_99"):
            space("social_99")
