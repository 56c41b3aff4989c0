from dataclasses import replace

import pytest

from social_sandbox.alignment.evaluation.society import by_round, observer_agreement
from social_sandbox.envs.rules.interactions import Answer, Interaction, Observation

DONE = Interaction(
    id="w/0/a",
    world="w",
    seed=0,
    round=0,
    agent="a",
    position=(0, 0),
    view="good",
    question="Why?",
    draft=Answer("d"),
    revision=Answer("r"),
)


def rated(*drafts: tuple[float | None, ...]) -> list[Interaction]:
    """An interaction for each tuple, which holds a rating by each observer."""
    return [
        replace(
            DONE,
            id=f"w/0/{number}",
            observations=tuple(
                Observation(f"observer_{n}", "draft", "alignment", rating)
                for n, rating in enumerate(ratings)
            ),
        )
        for number, ratings in enumerate(drafts)
    ]


def test_observers_who_agree_have_alpha_1() -> None:
    alpha = observer_agreement(rated((1.0, 1.0), (4.0, 4.0), (7.0, 7.0)))
    assert alpha == {"alignment": pytest.approx(1.0), "engagement": None}


def test_observers_who_disagree_have_alpha_below_0_and_missing_ratings_are_no_disagreement() -> (
    None
):
    turned = observer_agreement(rated((1.0, 7.0), (7.0, 1.0)))["alignment"]
    assert turned is not None
    assert turned < 0


def test_missing_ratings_are_no_disagreement() -> None:
    gaps = observer_agreement(
        rated((1.0, 1.0, None), (5.0, None, 5.0), (3.0, None, None), (2.0, 2.0, 2.0))
    )
    assert gaps["alignment"] == pytest.approx(1.0)


@pytest.mark.parametrize("drafts", [[(1.0,), (4.0,)], [(4.0, 4.0), (4.0, 4.0)], [(None, 3.0)], []])
def test_without_two_observers_or_differences_there_is_none(
    drafts: list[tuple[float | None, ...]],
) -> None:
    assert observer_agreement(rated(*drafts))["alignment"] is None


def test_interactions_of_a_round_keep_their_order_and_rounds_are_counted_upwards() -> None:
    order = ((10, "c"), (2, "b"), (2, "a"))
    played = [replace(DONE, id=f"w/{number}/{agent}", round=number) for number, agent in order]
    assert {number: [one.id for one in each] for number, each in by_round(played).items()} == {
        2: ["w/2/b", "w/2/a"],
        10: ["w/10/c"],
    }
    assert list(by_round(played)) == [2, 10]
