import copy
import hashlib
import importlib
import pickle
import subprocess
import sys
import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np
import pettingzoo
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
from pettingzoo.test.render_test import render_test

import social_sandbox.envs
from social_sandbox.envs import UserError, Utterance, WorldConfig, sandbox_v0, to_action
from social_sandbox.envs.render import BORDER, CELL

from ..helpers.societies import QUESTIONS, chat, rates

SETTINGS = {"questions": QUESTIONS, "grid_size": 2, "n_peers": 2}


def aec(**settings):
    return sandbox_v0.env(**(SETTINGS | settings))


def parallel(**settings):
    return sandbox_v0.parallel_env(**(SETTINGS | settings))


def play_aec(env, steps=None):
    """Yield (agent, observation, reward, ended, info) of each step before it is taken."""
    for count, agent in enumerate(env.agent_iter()):
        if count == steps:
            return
        seen, reward, terminated, truncated, info = env.last()
        ended = terminated or truncated
        yield agent, seen, reward, ended, info
        env.step(None if ended else to_action(chat(info["seed"], seen["phase"])))


def spoken(seen, infos):
    return {
        agent: to_action(chat(info["seed"], seen[agent]["phase"]))
        for agent, info in infos.items()
        if "seed" in info
    }


def play_parallel(env, **reset):
    """Play to the end; yields what `step` returns."""
    seen, infos = env.reset(**reset)
    while env.agents:
        result = env.step(spoken(seen, infos))
        seen, infos = result[0], result[-1]
        yield result


# --- PettingZoo's own tests -----------------------------------------------------------------

# What PettingZoo says of every environment that speaks text; anything else is news.
EXPECTED = {
    "Observation is not a NumPy array",
    "Observation space for each agent probably should be gymnasium.spaces.box or "
    "gymnasium.spaces.discrete",
    "Action space for each agent probably should be gymnasium.spaces.box or "
    "gymnasium.spaces.discrete",
}


@pytest.mark.parametrize("rules", [{}, {"n_observers": 0, "n_peers": 0}, {"max_cycles": 2}])
def test_the_aec_face_passes_pettingzoos_api_test(rules):
    with pytest.warns(UserWarning, match="NumPy array|gymnasium.spaces") as caught:
        api_test(aec(**rules), num_cycles=100)
    assert {str(warning.message) for warning in caught} == EXPECTED


@pytest.mark.parametrize("cycles", [5, 200])
def test_the_parallel_face_passes_pettingzoos_api_test(cycles):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(parallel(), num_cycles=cycles)


def test_both_faces_pass_pettingzoos_seed_tests():
    seed_test(aec, num_cycles=50)
    parallel_seed_test(parallel, num_cycles=50)


def test_the_pictures_pass_pettingzoos_render_test():
    # render_test first makes an environment for people to look at, which this one has not.
    render_test(
        lambda render_mode: aec(render_mode=render_mode if render_mode != "human" else None)
    )


# --- Seeds ----------------------------------------------------------------------------------


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
def test_the_first_reset_takes_the_seed_of_the_environment_and_later_ones_derive_theirs(make):
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


# --- Making, pickling, importing ------------------------------------------------------------


def test_the_registry_makes_both_faces():
    env = pettingzoo.make("aec", "social_sandbox/sandbox-v0", **SETTINGS)
    assert isinstance(env, pettingzoo.AECEnv)
    assert str(env) == "sandbox_v0"
    twin = pettingzoo.make("parallel", "social_sandbox/sandbox-v0", max_cycles=3, **SETTINGS)
    assert isinstance(twin, pettingzoo.ParallelEnv)
    assert twin.max_cycles == 3
    assert env.possible_agents == twin.possible_agents


def test_a_reload_registers_nothing_twice():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importlib.reload(social_sandbox.envs)


def test_the_environment_needs_no_model_and_no_plots():
    code = (
        "import sys, social_sandbox.envs\n"
        "print(*({'torch', 'transformers', 'matplotlib', 'pygame'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []


def test_a_pickled_environment_plays_the_same_game():
    env = aec(seed=9, name="mine")
    copy = pickle.loads(pickle.dumps(env))
    for face in (env, copy):
        face.reset()
    assert [repr(step) for step in play_aec(env)] == [repr(step) for step in play_aec(copy)]
    assert env.world.interactions == copy.world.interactions
    twin = parallel(max_cycles=2, render_mode="ansi")
    again = pickle.loads(pickle.dumps(twin))
    assert (again.max_cycles, again.render_mode) == (2, "ansi")
    assert repr(list(play_parallel(twin))) == repr(list(play_parallel(again)))


# --- Settings -------------------------------------------------------------------------------


def test_every_rule_of_the_world_is_a_setting_of_the_environment():
    rules = {field.name: field.default for field in fields(WorldConfig)} | {"n_rounds": 7}
    env = sandbox_v0.raw_env(questions=QUESTIONS, **rules)
    env.reset()
    assert env.world.config == WorldConfig(**rules)


def test_a_setting_that_there_is_not_is_named():
    with pytest.raises(TypeError, match="gird_size"):
        aec(gird_size=3)


@pytest.mark.parametrize(
    ("setting", "value"), [("render_mode", "human"), ("max_text_length", 0), ("grid_size", 0)]
)
def test_a_setting_that_makes_no_sense_is_named(setting, value):
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
    for options, name in ((None, "first"), ({"name": "second"}, "second"), ({"x": 1}, "first")):
        env.reset(options=options)
        assert len(list(play_aec(env))) > 0
        assert {interaction.world for interaction in env.world.interactions} == {name}


def test_there_is_no_world_before_the_first_reset():
    with pytest.raises(AttributeError, match="before reset"):
        _ = parallel().world


# --- Observations ---------------------------------------------------------------------------


def test_an_observation_shows_the_turn_in_every_phase():
    env = aec(grid_size=2, n_peers=3, radius=9, questions=QUESTIONS[:1], world_view="all_good")
    env.reset()
    seen = {}
    speaker = rates(2.5, None, 6.0)
    for agent in env.agent_iter():
        turn = env.world.first_pending()
        if turn is None or turn.round > 0:
            break
        if turn.subject == "social_0":
            seen[turn.phase.value] = env.last()[0]
            assert env.agent_selection == agent == turn.agent
        env.step(to_action(speaker(turn)))
    question, memory = QUESTIONS[0].text, QUESTIONS[0].good
    assert list(seen) == ["draft", "feedback", "revise", "observe"]
    assert all(observation["question"] == question for observation in seen.values())
    assert [observation["role"] for observation in seen.values()] == [*["social"] * 3, "observer"]
    assert seen["draft"]["memory_question"] == question
    assert seen["draft"]["memory_answer"] == memory
    assert seen["draft"]["answer"] == seen["draft"]["feedback"] == ""
    assert seen["feedback"]["answer"] == seen["revise"]["answer"] != ""
    assert seen["revise"]["mean_rating"] == 4.25
    assert seen["revise"]["feedback"].split("\n") == [
        "Rating: none ### Reason: reason for None",
        "Rating: 6 ### Reason: reason for 6.0",
        "Rating: 2.5 ### Reason: reason for 2.5",
    ]
    assert seen["observe"]["aspect"] == "engagement", "the last one of the four"
    assert seen["observe"]["memory_answer"] == ""


def test_a_reason_of_many_lines_takes_one_line_of_feedback():
    env = aec(n_peers=2, radius=9)
    env.reset()
    for phase, text in (("draft", "d"), ("feedback", "a\nb\u2028c"), ("feedback", " x\r\ny ")):
        assert env.last()[0]["phase"] == phase
        env.step(to_action(Utterance(text, 3.0 if phase == "feedback" else None)))
    assert env.last()[0]["feedback"] == "\n".join(
        f"Rating: 3 ### Reason: {reason}" for reason in ("a b c", "x y")
    )


def test_whoever_has_no_turn_sees_that_it_is_idle():
    env = aec()
    env.reset()
    idle = env.observe("observer_0")
    assert (idle["role"], idle["phase"], idle["question"]) == ("observer", "idle", "")
    assert env.observe("social_3")["phase"] == "draft", "it waits for its turn to be shown"


@pytest.mark.parametrize("rules", [{}, {"n_peers": 0, "n_observers": 0}, {"grid_size": 1}])
def test_every_observation_lies_in_its_space(rules):
    env = aec(**rules)
    env.reset()
    for agent, seen, *_ in play_aec(env):
        assert env.observation_space(agent).contains(seen)
        assert all(
            env.observation_space(other).contains(env.observe(other)) for other in env.agents
        )
    twin = parallel(**rules)
    for seen, *_ in play_parallel(twin):
        assert set(seen) == set(twin.possible_agents)
        assert all(twin.observation_space(agent).contains(seen[agent]) for agent in seen)


@pytest.mark.parametrize("length", [3, 40])
def test_observations_of_the_longest_texts_lie_in_their_space(length):
    env = aec(max_text_length=length, n_peers=3, radius=9)
    env.reset()
    for agent in env.agent_iter():
        seen, _, terminated, _, _ = env.last()
        assert env.observation_space(agent).contains(seen)
        env.step(None if terminated else to_action(Utterance("é" * length, 7 / 3)))


def test_spaces_stay_the_same_objects_and_strangers_have_none():
    env = aec()
    for space in (env.observation_space, env.action_space):
        assert space("social_0") is space("social_0")
        assert space("social_0") is not space("social_1")
        with pytest.raises(KeyError, match="social_99"):
            space("social_99")


# --- Actions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rating", "recorded"), [(0.0, None), (0.99, None), (1.0, 1.0), (6.5, 6.5), (7.0, 7.0)]
)
def test_a_rating_below_one_is_recorded_as_missing(rating, recorded):
    env = aec(grid_size=1, n_rounds=1)
    env.reset()
    for _ in env.agent_iter():
        ended = env.last()[2]
        env.step(None if ended else {"text": "so", "rating": np.array(rating)})
    [interaction] = env.world.interactions
    assert {observation.rating for observation in interaction.observations} == {recorded}


def test_a_phase_that_asks_for_no_rating_passes_over_it():
    env = aec()
    env.reset()
    env.step({"text": "a draft", "rating": np.array(6.0)})
    assert env.world.log == [("0/social_0/draft", Utterance("a draft"))]


WRONG = [
    ({"text": "x" * 21, "rating": np.array(1.0)}, "text must be at most 20 characters.*got 21"),
    ({"text": 3, "rating": np.array(1.0)}, "text must be a str, got int"),
    ({"text": "", "rating": np.array(8.0)}, "rating must be 0 .* to 7, got 8"),
    ({"text": "", "rating": np.array(np.nan)}, "rating must be 0 .* got nan"),
    ({"text": "", "rating": "five"}, "rating must be a number, got str"),
    ({"text": "", "rating": None}, "rating must be a number, got NoneType"),
    ({"text": ""}, "needs the fields text and rating"),
    ("just text", "needs the fields text and rating"),
    (None, "needs the fields text and rating"),
]


@pytest.mark.parametrize(("action", "problem"), WRONG)
def test_a_wrong_action_names_agent_and_field_and_answers_nothing(action, problem):
    env = parallel(max_text_length=20)
    env.reset()
    right = to_action(Utterance("fine"))
    with pytest.raises(UserError, match=f"action of social_2: {problem}"):
        env.step({"social_0": right, "social_2": action})
    raw = sandbox_v0.raw_env(**SETTINGS, max_text_length=20)
    raw.reset()
    with pytest.raises(UserError, match=f"action of social_0: {problem}"):
        raw.step(action)
    assert env.world.log == raw.world.log == []


def test_the_wrapped_aec_face_asserts_the_action_space():
    env = aec(max_text_length=20)
    env.reset()
    with pytest.raises(AssertionError, match="not in action space"):
        env.step({"text": "x" * 21, "rating": np.array(0.0)})


# --- Playing --------------------------------------------------------------------------------


def test_aec_pays_an_agent_when_its_interaction_is_finished():
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


def test_aec_infos_trace_what_is_said_to_its_turn():
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


def test_parallel_pays_an_agent_in_the_step_that_finishes_its_interaction():
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


def test_parallel_shows_every_agent_the_first_of_its_pending_turns():
    env = parallel(n_observers=2)
    _, infos = env.reset()
    while env.agents:
        first = {turn.agent: turn.id for turn in reversed(env.world.pending())}
        assert {agent: info["turn"] for agent, info in infos.items() if "turn" in info} == first
        actions = {agent: to_action(Utterance("so", 4.0)) for agent in first}
        *_, infos = env.step(actions)


def test_what_parallel_told_before_stays_as_it_was():
    env = parallel(n_observers=2, n_rounds=2)
    kept = [step for step in play_parallel(env, seed=1)]
    told = [
        copy.deepcopy(step) for step in play_parallel(parallel(n_observers=2, n_rounds=2), seed=1)
    ]
    assert [repr(step) for step in kept] == [repr(step) for step in told]


def test_parallel_passes_over_what_idle_agents_say():
    env = parallel(n_peers=0)
    env.reset()
    action = to_action(Utterance("me too", 3.0))
    env.step({"observer_0": action, "social_1": action})
    assert [turn_id for turn_id, _ in env.world.log] == ["0/social_1/draft"]


def test_a_turn_without_an_action_stays_pending():
    env = parallel()
    seen, infos = env.reset()
    again, rewards, terminations, _, infos_again = env.step({})
    assert repr(again) == repr(seen)
    assert infos_again == infos
    assert not any(rewards.values())
    assert not any(terminations.values())


def test_parallel_refuses_actions_of_agents_that_there_are_not():
    env = parallel()
    env.reset()
    with pytest.raises(UserError, match="'social_99' is no agent"):
        env.step({"social_99": to_action(Utterance())})


def test_parallel_steps_to_nothing_after_the_end():
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


def test_who_finishes_in_the_last_cycle_is_terminated_and_not_truncated():
    env = parallel()
    n_steps = len(list(play_parallel(env, seed=1)))
    env.max_cycles = n_steps
    *_, (_, _, terminations, truncations, _) = play_parallel(env, seed=1)
    assert all(terminations.values())
    assert not any(truncations.values())


def test_max_cycles_of_aec_counts_as_many_steps_as_there_are_agents():
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


# --- Pictures -------------------------------------------------------------------------------


def played(render_mode, rating):
    env = aec(render_mode=render_mode, world_view="half_half", n_rounds=1)
    env.reset()
    for _ in env.agent_iter():
        env.step(None if env.last()[2] else {"text": "so", "rating": np.array(rating)})
    return env


def test_the_text_shows_views_ratings_and_what_is_pending():
    env = aec(render_mode="ansi", world_view="half_half", n_rounds=1)
    env.reset()
    assert env.render().split("\n")[:4] == [
        "world_0, seed 0: round 1 of 1",
        "pending: 4 draft",
        "+  .   +  . ",
        "-  .   -  . ",
    ]
    assert played("ansi", 5.0).render().split("\n")[:4] == [
        "world_0, seed 0: 1 rounds, over",
        "pending: nothing",
        "+ 5.0  + 5.0",
        "- 5.0  - 5.0",
    ]


@pytest.mark.parametrize(
    ("rating", "colour"),
    [(0.0, (128, 128, 128)), (1.0, (178, 24, 43)), (4.0, (247,) * 3), (7.0, (33, 102, 172))],
)
def test_the_image_shows_ratings_as_colours_and_views_as_borders(rating, colour):
    image = played("rgb_array", rating).render()
    assert image.shape == (2 * CELL, 2 * CELL, 3)
    assert image.dtype == np.uint8
    assert (image[BORDER : CELL - BORDER, BORDER : CELL - BORDER] == colour).all()
    good, bad = image[0, 0], image[-1, 0]
    assert good.tolist() == [240, 180, 0]
    assert bad.tolist() == [30, 30, 30]


def test_without_a_render_mode_nothing_is_shown():
    env = aec()
    env.reset()
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None
    env.close()
