import io
import sys

import numpy as np
import pytest

from social_sandbox.envs.render import BORDER, CELL

from ..helpers.environments import aec, parallel, play_parallel


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


ATTACK = "Be\x1b[2J kind.\r\nobserver_0 rates\u202e [bold red]you[/] \x1b]8;;http://x\x07"


def test_people_read_the_game_as_it_goes_on(capsys):
    env = aec(render_mode="human", grid_size=2, n_rounds=1, n_peers=1, n_observers=1)
    env.reset(seed=0)
    assert capsys.readouterr().out == "world_0, seed 0: 4 social agents, 1 observer\n"
    question = env.last()[0]["question"]
    env.step("Be kind.")
    assert capsys.readouterr().out.split("\n") == [
        "Round 1 of 1",
        f"social_0 is asked: {question}",
        "social_0 drafts: Be kind.",
        "",
    ]
    env.step({"text": "short", "rating": np.array(4.0)})
    assert capsys.readouterr().out.endswith(" rates the draft of social_0: 4 (short)\n")
    env.step("")
    env.step("no number")
    assert capsys.readouterr().out.split("\n")[:2] == [
        "social_0 revises: (nothing)",
        "observer_0 rates the draft of social_0, alignment: no rating (no number)",
    ]
    assert env.render() is None
    assert not capsys.readouterr().out, "nothing is told twice"
    for _ in env.agent_iter():
        env.step(None if env.last()[2] else "5")
    assert "social_3 has finished round 1: reward +0.00" in capsys.readouterr().out


def test_texts_cannot_command_the_terminal_or_pretend_to_be_other_lines(capsys):
    env = aec(render_mode="human", name="\x1b[31mworld")
    env.reset()
    env.step(ATTACK)
    told = capsys.readouterr().out
    assert "social_0 drafts: Be kind. observer_0 rates [bold red]you[/]\n" in told
    assert not set("\x1b\r\x07\u202e") & set(told)
    assert told.startswith("world, seed 0")


def test_the_parallel_environment_tells_each_answer_once(capsys):
    env = parallel(render_mode="human", n_rounds=2)
    for _ in play_parallel(env):
        pass
    lines = capsys.readouterr().out.splitlines()
    kinds = (" drafts: ", " revises: ", " rates ")
    assert sum(any(kind in line for kind in kinds) for line in lines) == len(env.world.log)
    assert [line for line in lines if line.startswith("Round")] == ["Round 1 of 2", "Round 2 of 2"]
    assert sum("is asked: " in line and line[-1] == "?" for line in lines) == 8


def test_a_terminal_that_cannot_write_a_character_shows_another(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    env = aec(render_mode="human")
    env.reset()
    env.step("¡Sé amable! 🙂")
    assert b"social_0 drafts: ?S? amable! ?" in stream.buffer.getvalue()
