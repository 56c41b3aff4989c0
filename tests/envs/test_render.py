import numpy as np
import pytest

from social_sandbox.envs.render import BORDER, CELL

from ..helpers.environments import aec


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


def test_without_a_render_mode_there_is_no_picture():
    env = aec()
    env.reset()
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None
    env.close()
