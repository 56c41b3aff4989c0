import numpy as np
import pytest

from social_sandbox.envs import UserError, Utterance, sandbox_v0, to_action

from ...helpers.environments import SETTINGS, aec, parallel, play_aec, play_parallel
from ...helpers.societies import QUESTIONS, rates


def test_an_observation_shows_the_turn_in_every_phase():
    env = aec(grid_size=2, n_peers=3, radius=9, questions=QUESTIONS[:1], world_view="all_good")
    env.reset()
    observations = {}
    speaker = rates(2.5, None, 6.0)
    for agent in env.agent_iter():
        turn = env.world.first_pending()
        if turn is None or turn.round > 0:
            break
        if turn.subject == "social_0":
            observations[turn.phase.value] = env.last()[0]
            assert env.agent_selection == agent == turn.agent
        env.step(to_action(speaker(turn)))
    question, memory = QUESTIONS[0].text, QUESTIONS[0].good
    assert list(observations) == ["draft", "feedback", "revise", "observe"]
    assert all(observation["question"] == question for observation in observations.values())
    assert [observation["role"] for observation in observations.values()] == [
        *["social"] * 3,
        "observer",
    ]
    assert observations["draft"]["memory_question"] == question
    assert observations["draft"]["memory_answer"] == memory
    assert observations["draft"]["answer"] == observations["draft"]["feedback"] == ""
    assert observations["feedback"]["answer"] == observations["revise"]["answer"] != ""
    assert observations["revise"]["mean_rating"] == 4.25
    assert observations["revise"]["feedback"].split("\n") == [
        "Rating: none ### Reason: reason for None",
        "Rating: 6 ### Reason: reason for 6.0",
        "Rating: 2.5 ### Reason: reason for 2.5",
    ]
    assert observations["observe"]["aspect"] == "engagement", "the last one of the four"
    assert observations["observe"]["memory_answer"] == ""


def test_a_reason_of_several_lines_becomes_one_line_of_feedback():
    env = aec(n_peers=2, radius=9)
    env.reset()
    for phase, text in (("draft", "d"), ("feedback", "a\nb\u2028c"), ("feedback", " x\r\ny ")):
        assert env.last()[0]["phase"] == phase
        env.step(to_action(Utterance(text, 3.0 if phase == "feedback" else None)))
    assert env.last()[0]["feedback"] == "\n".join(
        f"Rating: 3 ### Reason: {reason}" for reason in ("a b c", "x y")
    )


def test_an_agent_without_a_turn_gets_the_idle_observation():
    env = aec()
    env.reset()
    idle = env.observe("observer_0")
    assert (idle["role"], idle["phase"], idle["question"]) == ("observer", "idle", "")
    assert env.observe("social_3")["phase"] == "draft", "it waits for its turn to be shown"


@pytest.mark.parametrize("rules", [{}, {"n_peers": 0, "n_observers": 0}, {"grid_size": 1}])
def test_every_observation_lies_in_its_space(rules):
    env = aec(**rules)
    env.reset()
    for agent, observation, *_ in play_aec(env):
        assert env.observation_space(agent).contains(observation)
        assert all(
            env.observation_space(other).contains(env.observe(other)) for other in env.agents
        )
    twin = parallel(**rules)
    for observations, *_ in play_parallel(twin):
        assert set(observations) == set(twin.possible_agents)
        assert all(
            twin.observation_space(agent).contains(observations[agent]) for agent in observations
        )


@pytest.mark.parametrize("length", [3, 40])
def test_observations_of_the_longest_texts_lie_in_their_space(length):
    env = aec(max_text_length=length, n_peers=3, radius=9)
    env.reset()
    for agent in env.agent_iter():
        observation, _, terminated, _, _ = env.last()
        assert env.observation_space(agent).contains(observation)
        env.step(None if terminated else to_action(Utterance("é" * length, 7 / 3)))


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


def test_a_rating_is_ignored_in_a_phase_that_asks_for_none():
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
    ("x" * 21, "text must be at most 20 characters.*got 21"),
    (5, "draft asks for a text, got 5"),
    (True, "needs the fields text and rating"),
    (1j, "needs the fields text and rating"),
    ({"text": "", "rating": 10**400}, "rating must be a number, got int"),
    (["text"], "needs the fields text and rating"),
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


def test_the_wrapped_aec_environment_asserts_the_action_space():
    env = aec(max_text_length=20)
    env.reset()
    with pytest.raises(AssertionError, match="not in action space"):
        env.step({"text": "x" * 21, "rating": np.array(0.0)})


@pytest.mark.parametrize("number", [6, 6.0, np.int64(6), np.float32(6), np.array(6.0), "6", " 6 "])
def test_a_plain_number_is_a_rating(number):
    env = aec(grid_size=1, n_peers=0, n_rounds=1)
    env.reset()
    for _ in env.agent_iter():
        observation, _, ended, *_ = env.last()
        env.step(None if ended else number if observation["phase"] == "observe" else "Be kind.")
    [interaction] = env.world.interactions
    assert interaction.draft.text == interaction.revision.text == "Be kind."
    assert [one.rating for one in interaction.observations] == [6.0] * 4


@pytest.mark.parametrize(
    ("text", "reason", "rating"),
    [
        ("Rating: 5 ### Reason: polite", "polite", 5.0),
        ("4.5 ### polite", "polite", 4.5),
        ("polite", "polite", None),
        ("", "", None),
        ("9", "9", None),
        ("5 friends helped", "5 friends helped", None),
    ],
)
def test_a_plain_text_that_answers_a_request_for_a_rating(text, reason, rating):
    env = parallel(n_peers=1, n_observers=0)
    env.reset()
    _, _, _, _, infos = env.step(dict.fromkeys(env.world.social_agents, "6"))
    assert [utterance.text for _, utterance in env.world.log] == ["6"] * 4, "a draft is a text"
    env.step({agent: text for agent, info in infos.items() if "turn" in info})
    assert {utterance for _, utterance in env.world.log[4:]} == {Utterance(reason, rating)}


def test_a_plain_text_or_number_lies_in_the_space_of_actions():
    space = aec(max_text_length=20).action_space("social_0")
    for action in ("", "Be kind.", 5, 7.0, np.int64(0), np.array(3.5)):
        assert action in space
    for action in ("x" * 21, 8, -1, np.nan, 10**400, 1j, True, None, b"text", np.array([1.0, 2.0])):
        assert action not in space


def test_actions_of_idle_agents_may_be_anything():
    env = parallel(n_peers=0)
    env.reset()
    env.step({"observer_0": None, "social_1": 5} | dict.fromkeys(["social_0", "social_1"], "Hm."))
    assert len(env.world.log) == 2
