"""`social-sandbox show`, through the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from social_sandbox.alignment import cli
from social_sandbox.envs import (
    Interaction,
    Recollection,
    Tokens,
    write_interactions,
)
from social_sandbox.envs.rules.interactions import Answer, Feedback
from tests.helpers.command_line import here, run
from tests.helpers.hostile import FORBIDDEN, HOSTILE, MARKUP
from tests.helpers.societies import play, society

__all__ = ["here"]


@pytest.fixture(autouse=True)
def narrow(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    return here


@pytest.fixture
def folder(here: Path) -> Path:
    write_interactions(here / "out/simulation/interactions.jsonl", interactions())
    return Path("out")


def interactions() -> list[Interaction]:
    worlds = [society(n_rounds=2, seed=seed, name=f"world_{seed}") for seed in (0, 1)]
    return [one for world in worlds for one in play(world).interactions]


def shown(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capsys.readouterr()
    assert cli.main(["show", *map(str, arguments)]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    return text


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capsys.readouterr()
    assert cli.main(["show", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err.count("\n") == 1
    return captured.err


def test_without_an_id_the_worst_come_first(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, folder, "--limit", "5", "--sort", "alignment")
    ids = [line.split()[0] for line in text.splitlines() if line.startswith("world_")]
    by_id = {one.id: one for one in interactions()}
    ratings = [by_id[name].rating("alignment", "revision") for name in ids]
    assert len(ids) == 5
    lowest = [-9 if rating is None else rating for rating in ratings]
    assert lowest == sorted(lowest)
    assert "5 of 36 interactions, worst alignment first" in text


def test_filters_hold_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, folder, "--round", "1", "--view", "good", "--limit", "99")
    ids = {line.split()[0] for line in text.splitlines() if line.startswith("world_")}
    assert ids == {one.id for one in interactions() if (one.round, one.view) == (1, "good")}


@pytest.mark.parametrize("wanted", ["world_1/1/social_3", "1/1/3", "1/1/social_3"])
def test_an_id_may_be_short(folder: Path, capsys: pytest.CaptureFixture[str], wanted: str) -> None:
    text = shown(capsys, folder, wanted)
    assert text.startswith("world_1/1/social_3\nround 1, social_3 at row 1, column 0 of world_1")


def test_an_interaction_is_shown_as_it_happened(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = replace(
        interactions()[0],
        memory=Recollection("An old question?", "An old answer.", 0.25),
        draft=Answer("Lend it to Tom.", "smollm2", Tokens(10, 20), cut_off=True),
        feedback=(
            Feedback("social_1", 6.0, "Kind."),
            Feedback("social_2", None, "", error="the server did not answer"),
        ),
        mean_rating=6.0,
        revision=Answer("Lend money to Tom.", "smollm2"),
    )
    path = here / "one.jsonl"
    write_interactions(path, [one])
    text = shown(capsys, path, "0/0")
    parts = ("An old question?", "Lend it to Tom.", "social_1: rating 6.00", "social_2: no rating")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "10 tokens read and 20 written, cut off by the limit of tokens" in " ".join(text.split())
    assert "error: the server did not answer" in text
    assert "Lend [-it-]{+money+} to Tom." in text
    assert "mean of the peers: 6.00" in text


def test_a_file_of_interactions_is_enough(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, folder / "simulation/interactions.jsonl", "0/0/0")
    shown(capsys, folder / "simulation", "0/0/0")


def test_texts_are_nothing_but_texts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = interactions()[0]
    spoilt = replace(
        one,
        question=HOSTILE,
        draft=Answer(HOSTILE, policy=HOSTILE, error=HOSTILE),
        feedback=(Feedback(HOSTILE, 2.0, HOSTILE),),
        revision=Answer(HOSTILE * 2),
    )
    write_interactions(here / "spoilt.jsonl", [spoilt])
    for arguments in ((), ("0/0/0",)):
        text = shown(capsys, "spoilt.jsonl", *arguments)
        assert not [mark for mark in FORBIDDEN if mark in text]
    assert MARKUP.split(" {+")[0] in " ".join(text.split())


def test_a_long_text_is_shortened_unless_all_is_asked_for(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = replace(interactions()[0], revision=Answer("word " * 200_000 + "END"))
    write_interactions(here / "long.jsonl", [one])
    text = shown(capsys, "long.jsonl", "0/0/0")
    assert "more characters: --full]" in " ".join(text.split())
    assert len(text) < 20_000
    assert "END" in shown(capsys, "long.jsonl", "0/0/0", "--full")


def test_a_running_simulation_can_be_looked_at(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "simulation/interactions.jsonl"
    with path.open("a") as file:
        file.write('{"schema":1,"id":"world_0/9')
    assert "20 of 36 interactions" in shown(capsys, folder)


def test_groups_and_answers_are_shown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", "output_dir=out") == 0
    assert run("data", "output_dir=out") == 0
    assert "imitation" in shown(capsys, "out", "group")
    assert "candidate 1: rating" in shown(capsys, "out", "group", "1")
    answers = here / "out/evaluation/answers.jsonl"
    answers.parent.mkdir()
    answer = {"answer": "Help\x1b[2J.", "alignment": 5.0, "engagement": None}
    row = {"question": "Why?", "kind": "daily", "sample": 0, "base": answer, "aligned": answer}
    answers.write_text(json.dumps(row) + "\n")
    assert "+0.00" in shown(capsys, "out", "answer")
    assert "aligned  alignment 5.00, engagement -" in shown(capsys, "out", "answer", "1")


def test_mistakes_are_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "needs a folder" in refused(capsys)
    assert "no folder nowhere" in refused(capsys, "nowhere")
    assert "did you mean 'world_0/1/social_3'?" in refused(capsys, folder, "world_0/1/socal_3")
    assert "fits 2 interactions: world_0/1/social_3" in refused(capsys, folder, "1/3")
    assert "no group '777'" in refused(capsys, groups(folder), "group", "777")
    assert "social-sandbox evaluate first" in refused(capsys, folder, "answer")
    assert "--limit" in refused(capsys, folder, "--limit", "0")
    assert "invalid choice: 'worst'" in refused(capsys, folder, "--sort", "worst")
    assert "none of 36 interactions" in refused(capsys, folder, "--text", "nobody said this")
    assert "too much" in refused(capsys, folder, "0/0/0", "0/0/1")


def groups(folder: Path) -> Path:
    assert (
        run("data", f"output_dir={folder}", f"interactions={folder}/simulation/interactions.jsonl")
        == 0
    )
    return folder


def test_a_folder_of_several_runs_names_one(
    here: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "online").mkdir()
    folder.rename(here / "online/cycle_0")
    assert "choose one, such as online/cycle_0" in refused(capsys, "online")
