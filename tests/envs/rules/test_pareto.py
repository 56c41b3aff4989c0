"""A world that ends once alignment and engagement together no longer rise."""

from collections.abc import Callable, Sequence

import pytest

from social_sandbox.envs import UserError, Utterance, World, WorldConfig
from social_sandbox.envs.rules.pareto import no_longer_rises, pareto_products
from social_sandbox.envs.rules.turns import RATED_PHASES, Turn

from ...helpers.societies import play, society

Answer = Callable[[Turn], Utterance]


def rated_by_round(ratings: Sequence[float | None]) -> Answer:
    """Return an answer whose ratings of each round are the same."""
    return lambda turn: Utterance(
        "Be kind.", ratings[turn.round] if turn.phase in RATED_PHASES else None
    )


def stopping(**rules: object) -> World:
    return society(n_rounds=6, n_observers=1, stop="pareto", **rules)


@pytest.mark.parametrize(
    ("values", "patience", "over"),
    [
        ([], 1, False),
        ([4.0], 1, False),
        ([4.0, 4.0], 1, True),
        ([4.0, 5.0], 1, False),
        ([4.0, 3.0], 2, False),
        ([4.0, 3.0, 2.0], 2, True),
        ([4.0, 3.0, 4.1], 2, False),
    ],
)
def test_values_no_longer_rise_after_some_patience(
    values: list[float], patience: int, over: bool
) -> None:
    assert no_longer_rises(values, patience) == over


def test_a_world_ends_where_the_product_has_not_risen_for_some_rounds() -> None:
    answer = rated_by_round([2.0, 4.0, 3.0, 4.0, 6.0, 7.0])
    world = play(stopping(patience=2), answer)
    assert world.done
    assert world.round == 4
    assert pareto_products(world.interactions) == [4.0, 16.0, 9.0, 16.0]
    assert not world.pending()


def test_a_world_that_rises_has_all_its_rounds() -> None:
    assert play(stopping(patience=1), rated_by_round([1, 2, 3, 4, 5, 6])).round == 6


def test_rounds_without_ratings_say_nothing() -> None:
    answer = rated_by_round([4.0, None, None, 5.0, None, 3.0])
    assert play(stopping(patience=1), answer).round == 6


def test_without_the_rule_a_world_has_all_its_rounds() -> None:
    world = society(n_rounds=3, n_observers=1)
    assert play(world, rated_by_round([3.0, 2.0, 1.0])).round == 3


def test_a_fork_and_a_replay_end_at_the_same_round() -> None:
    answer = rated_by_round([4.0, 3.0, 2.0, 7.0, 7.0, 7.0])
    world = play(stopping(patience=2), answer)
    again = stopping(patience=2)
    again.replay(world.log)
    assert again.done
    assert world.fork().done
    assert again.round == world.round == 3


def test_records_of_societies_without_the_rule_stay_as_they_were() -> None:
    assert not {"stop", "patience"} & WorldConfig().recorded().keys()
    assert WorldConfig(stop="pareto").recorded()["patience"] == 3


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(UserError, match=r"env\.stop"):
        WorldConfig(stop="never")  # type: ignore[arg-type]
