"""The mean of several observers."""

from collections.abc import Sequence

import pytest

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Phase, Tokens, Turn, Utterance
from social_sandbox.policies import rate
from social_sandbox.policies.mean import MeanPolicy
from social_sandbox.policies.observer import turns_to_rate

QUESTION = "May I keep the wallet?"


class Gives:
    """Gives one rating to everything."""

    only_rates = True

    def __init__(self, rating: float | None, error: str = "") -> None:
        self.name, self.rating, self.error = f"gives {rating}", rating, error

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        given = Utterance(self.name, self.rating, tokens=Tokens(prompt=1), error=self.error)
        return [given for _ in turns]


def rated(policy: MeanPolicy) -> list[float | None]:
    return rate(policy, [QUESTION], ["No."], "alignment")


def test_the_rating_is_the_weighted_mean() -> None:
    assert rated(MeanPolicy([Gives(2), Gives(6)])) == [4]
    assert rated(MeanPolicy([Gives(2), Gives(6)], [3, 1])) == [3]


def test_a_missing_rating_is_left_out_with_its_weight() -> None:
    assert rated(MeanPolicy([Gives(2), Gives(None)], [1, 9])) == [2]
    assert rated(MeanPolicy([Gives(None), Gives(None)])) == [None]


def test_reasons_costs_and_errors_are_those_of_all() -> None:
    turn = turns_to_rate([QUESTION], ["No."], "alignment")
    [given] = MeanPolicy([Gives(2), Gives(None, "no server")]).act(turn)
    assert (given.text, given.tokens.prompt, given.error) == ("gives 2 gives None", 2, "")
    [given] = MeanPolicy([Gives(None, "no server"), Gives(None, "no server")]).act(turn)
    assert (given.rating, given.error) == (None, "no server")


def test_observers_are_named_with_their_settings() -> None:
    policy = MeanPolicy([{"observer": "norms", "norms": ["brief"]}, "scripted"], [1, 0])
    assert rated(policy) == [7]


@pytest.mark.parametrize(
    ("observers", "weights", "message"),
    [
        ("norms", None, "policy.observers: must be a list of observers"),
        ([], None, "policy.observers: must be a list of observers"),
        (["nobody"], None, "observer: 'nobody' is not installed; choose from"),
        ([{"norms": ["brief"]}], None, "policy.observers[0]: needs an observer"),
        ([{"observer": "norms", "nrms": 1}], None, "policy.observers[0].nrms: no such setting"),
        (
            ["scripted", {"observer": "norms", "norms": ["bref"]}],
            None,
            "policy.observers[1].norms: no norm 'bref'; did you mean 'brief'?",
        ),
        (["scripted"], [1, 2], "policy.weights: 1 observers need as many weights"),
        (["scripted"], [-1], "policy.weights: must be at least 0, got -1"),
        (["scripted"], [0], "policy.weights: all weights are 0"),
    ],
)
def test_a_wrong_setting_is_named(observers: object, weights: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        MeanPolicy(observers, weights)  # type: ignore[arg-type]
    assert message in str(error.value)


def test_the_mean_only_rates() -> None:
    draft = Turn("t", "w", 0, "a", "a", Phase.DRAFT, QUESTION, 0)
    with pytest.raises(UserError, match="policy mean only rates: it cannot draft"):
        MeanPolicy([Gives(2)]).act([draft])
