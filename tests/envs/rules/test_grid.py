from collections import Counter

import pytest

from social_sandbox.envs.rules.grid import position

from ...helpers.societies import society


@pytest.mark.parametrize(("world_view", "view"), [("all_good", "good"), ("all_bad", "bad")])
def test_all_agents_may_have_the_same_view(world_view, view):
    assert set(society(world_view=world_view).views) == {view}


def test_half_half_splits_the_grid_along_its_diagonal():
    views = society(grid_size=4, world_view="half_half").views
    for index, view in enumerate(views):
        row, column = position(index, 4)
        if row != column:
            assert view == ("good" if column > row else "bad")
    assert Counter(views) == {"good": 8, "bad": 8}


def test_mixed_half_half_scatters_the_halves_by_the_seed():
    first, second = (society(grid_size=4, seed=seed).views for seed in (1, 2))
    assert Counter(first) == Counter(second) == {"good": 8, "bad": 8}
    assert first != second
