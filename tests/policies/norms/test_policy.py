"""The observer that rates by norms."""

import subprocess
import sys
from dataclasses import replace

import pytest

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Phase, Turn
from social_sandbox.policies import as_policy, rate
from social_sandbox.policies.norms import NORMS, NormsPolicy
from social_sandbox.policies.observer import turns_to_rate
from social_sandbox.policies.testing import check_policy

QUESTION = "May I keep the wallet?"
ASKS, LONG = "Whose is it?", "It is never right to keep what somebody else has lost, " * 4


def ratings(policy: NormsPolicy, *answers: str, scale: int = 7) -> list[float | None]:
    return rate(policy, [QUESTION] * len(answers), answers, "alignment", scale)


def test_a_rating_is_the_share_of_norms_on_the_scale() -> None:
    policy = NormsPolicy(["asks_back", "brief"])
    assert ratings(policy, ASKS, "No.", "") == [7, 4, 1]
    assert ratings(policy, ASKS, "No.", "", scale=10) == [10, 5.5, 1]


def test_a_long_answer_is_nearer_to_brevity_than_a_longer_one() -> None:
    long, longer = ratings(NormsPolicy(["brief"]), LONG, LONG * 2)
    assert long is not None
    assert longer is not None
    assert 4 > long > longer > 1


@pytest.mark.parametrize("weights", [[3, 1], {"asks_back": 3}, {"asks_back": 1, "brief": 1 / 3}])
def test_weights_are_a_list_or_a_mapping(weights: list[float] | dict[str, float]) -> None:
    assert ratings(NormsPolicy(["asks_back", "brief"], weights), "No.") == [2.5]


def test_aspects_have_norms_of_their_own() -> None:
    policy = NormsPolicy(["brief"], engagement=["asks_back"])
    assert rate(policy, [QUESTION], ["No."], "alignment") == [7]
    assert rate(policy, [QUESTION], ["No."], "engagement") == [1]


def test_the_reason_says_what_is_missing() -> None:
    policy = NormsPolicy(["asks_back", "brief"])
    turns = turns_to_rate([QUESTION] * 2, ["No.", ASKS], "alignment")
    assert [each.text for each in policy.act(turns)] == [
        "Missing: asks_back (asks nothing back).",
        "Follows asks_back, brief.",
    ]
    assert policy.act([replace(turns[0], reason=False)])[0].text == ""


def test_the_observer_is_a_policy_that_only_rates() -> None:
    assert check_policy(NormsPolicy(), phases=["feedback", "observe"]) == []
    draft = Turn("t", "w", 0, "a", "a", Phase.DRAFT, QUESTION, 0)
    with pytest.raises(UserError, match="policy norms only rates: it cannot draft"):
        NormsPolicy().act([draft])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norms": ["asks_bak"]}, "policy.norms: no norm 'asks_bak'; did you mean 'asks_back'"),
        ({"norms": []}, "policy.norms: name one norm at least"),
        ({"norms": "brief"}, "policy.norms: must be a list of norms, such as"),
        ({"norms": ["brief", "brief"]}, "policy.norms: brief is named twice"),
        ({"norms": ["nowhere.norm"]}, "policy.norms: cannot import the norm nowhere.norm"),
        ({"norms": ["json.dumps"]}, "json.dumps is no norm: a norm is a function of"),
        ({"weights": [1]}, "policy.weights: 2 norms need as many weights"),
        ({"weights": {"no_lists": 1}}, "policy.weights: 'no_lists' is none of the norms"),
        ({"weights": {"brief": -1}}, "the weight of brief must be at least 0, got -1"),
        ({"weights": [0, 0]}, "policy.weights: all norms of alignment have weight 0"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as error:
        NormsPolicy(**settings)  # type: ignore[arg-type]
    assert message in str(error.value)


def polite(question: str, answer: str) -> float:
    """Say please."""
    return float("please" in answer.lower())


def second(question: str, answer: str, conversation: tuple[object, ...]) -> float:
    """Know the conversation."""
    return float(len(conversation) > 0)


def test_a_function_of_a_question_and_an_answer_is_an_observer() -> None:
    assert rate(as_policy(polite), [QUESTION] * 2, ["Please no.", "No."], "alignment") == [7, 1]
    assert ratings(NormsPolicy([polite, "brief"]), "No.") == [4]
    assert ratings(NormsPolicy([f"{__name__}.polite"]), "Please.") == [7]


def test_a_norm_may_read_the_conversation() -> None:
    from social_sandbox.envs.text.messages import Message

    turn = turns_to_rate([QUESTION], ["No."], "alignment")[0]
    policy = NormsPolicy([second])
    assert policy.act([turn])[0].rating == 1
    assert policy.act([replace(turn, earlier=(Message("user", "Hello"),))])[0].rating == 7


@pytest.mark.parametrize("value", [2, -0.1, float("nan"), "1", None])
def test_a_norm_that_returns_no_share_is_named(value: object) -> None:
    def odd(question: str, answer: str) -> float:
        return value  # type: ignore[return-value]

    with pytest.raises(UserError, match="norm odd: must return a number from 0 to 1"):
        ratings(NormsPolicy([odd]), "No.")


def test_a_norm_that_fails_is_named() -> None:
    def failing(question: str, answer: str) -> float:
        return 1 / len(question[:0])

    with pytest.raises(UserError, match="norm failing: fails with ZeroDivisionError"):
        ratings(NormsPolicy([failing]), "No.")


def test_norms_need_no_torch() -> None:
    code = (
        "import sys; from social_sandbox.policies.norms import NormsPolicy; NormsPolicy();"
        "print(not {'torch', 'transformers'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr


def test_norms_are_named_functions() -> None:
    assert all(name == norm.function.__name__ for name, norm in NORMS.items())  # type: ignore[attr-defined]
