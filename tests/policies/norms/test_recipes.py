"""The norms that an observer rates by."""

from typing import Any

import pytest

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.norms.recipes import norms_of
from social_sandbox.policies.registry import recipe


def thankful(question: str, answer: str) -> float:
    """Thank the person."""
    return float("thank" in answer.lower())


class Longer:
    """Have more letters than a number."""

    def __init__(self, least: int = 1) -> None:
        self.least = least

    def __call__(self, question: str, answer: str) -> float:
        return float(len(answer) > self.least)


MEAN = recipe("mean", "observer")
NORMS = recipe("norms", "observer")
OWN = {"observer": "custom", "_target_": f"{__name__}.thankful"}
BRIEF = {"observer": "norms", "norms": ["brief"]}


@pytest.mark.parametrize(
    ("observer", "names"),
    [
        (NORMS, ["asks_back", "brief"]),
        (
            recipe("norms", "observer") | {"engagement": ["no_lists"]},
            [*("asks_back", "brief"), "no_lists"],
        ),
        (MEAN, ["asks_back", "brief"]),
        (
            MEAN | {"observers": ["value_model", BRIEF]},
            ["brief"],
        ),
        (
            MEAN | {"observers": [OWN, "norms"]},
            ["thankful", "asks_back", "brief"],
        ),
        (MEAN | {"observers": [3, "nobody"]}, []),
        ({"_target_": f"{__name__}.thankful"}, ["thankful"]),
        ({"_target_": f"{__name__}.Longer", "least": 3}, ["Longer"]),
        (recipe("value_model", "observer"), []),
        ({"_target_": "nowhere.Norm"}, []),
        ({}, []),
    ],
)
def test_norms_are_those_of_the_recipe(observer: dict[str, Any], names: list[str]) -> None:
    assert [norm.name for norm in norms_of(observer)] == names


def test_a_norm_has_the_settings_of_its_recipe() -> None:
    [norm] = norms_of({"_target_": f"{__name__}.Longer", "least": 3})
    assert (norm("", "Yes."), norm("", "No")) == (1, 0)


def test_an_unknown_norm_is_named_with_its_setting() -> None:
    inner = {"observer": "norms", "norms": ["brif"]}
    with pytest.raises(UserError, match=r"observer.observers\[0\].norms: no norm 'brif'"):
        norms_of(MEAN | {"observers": [inner]})
