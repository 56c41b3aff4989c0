import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from social_sandbox.envs import Question, Turn, UserError, World, read_interactions
from social_sandbox.policies import simulate

from ..conftest import QUESTIONS, society

RULES = society().config
OTHER = [Question(f"Other {number}?", good="Good.", bad="Bad.") for number in range(5)]


def echo(turn: Turn) -> str | int:
    """Answer so that every text shows what was asked."""
    return f"About: {turn.question}" if turn.phase in ("draft", "revise") else 4


def other(turn: Turn) -> str | int:
    return echo(turn)


def world(rules: object = RULES, questions: object = QUESTIONS, **others: object) -> World:
    return World(rules, questions=questions, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (lambda: world(seed=1), "seed: 0, now 1"),
        (lambda: world(questions=OTHER), "questions"),
        (lambda: world(questions=QUESTIONS[::-1]), "questions"),
        (lambda: world(priors=OTHER), "priors"),
        (lambda: world(replace(RULES, n_peers=1)), r"env\.n_peers: 4, now 1"),
        (lambda: world(replace(RULES, memory=False)), r"env\.memory"),
        (lambda: world(replace(RULES, engagement_weight=0.1)), r"env\.engagement_weight"),
        (lambda: world(replace(RULES, n_rounds=1)), "another society"),
    ],
)
@pytest.mark.parametrize("described", [True, False])
def test_a_log_answers_its_own_society_alone(
    tmp_path: Path, changed: Callable[[], World], word: str, described: bool
) -> None:
    simulate([world()], echo, tmp_path)
    before = (tmp_path / "utterances.jsonl").read_bytes()
    if not described:  # the turns alone tell; what asks nothing else is no other society
        (tmp_path / "society.json").unlink()
        word = "another society"
        if changed().config.engagement_weight == 0.1:
            assert simulate([changed()], echo, tmp_path)
            return
    with pytest.raises(UserError, match=word):
        simulate([changed()], echo, tmp_path)
    assert (tmp_path / "utterances.jsonl").read_bytes() == before


def test_a_log_without_hashes_is_compared_with_its_interactions(tmp_path: Path) -> None:
    expected = simulate([world()], echo, tmp_path)
    _make_old(tmp_path)
    with pytest.raises(UserError, match="another society"):
        simulate([world(questions=OTHER)], echo, tmp_path)
    assert simulate([world()], echo, tmp_path) == expected


def test_a_society_goes_on_for_more_rounds(tmp_path: Path) -> None:
    simulate([world(replace(RULES, n_rounds=1))], echo, tmp_path)
    assert len(simulate([world()], echo, tmp_path)) == 8


def test_other_players_do_not_speak_under_old_names(tmp_path: Path) -> None:
    simulate([world()], echo, tmp_path)
    with pytest.raises(UserError, match="was played by echo, now by other"):
        simulate([world()], other, tmp_path)


@pytest.mark.parametrize("old", [False, True])
def test_equal_answers_of_two_processes_count_once(tmp_path: Path, old: bool) -> None:
    expected = simulate([world()], echo, tmp_path)
    log = tmp_path / "utterances.jsonl"
    if old:
        _make_old(tmp_path)
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([*lines[:7], *lines[:9], *lines[7:]]))
    assert simulate([world()], echo, tmp_path) == expected
    assert list(map(json.loads, log.read_text().splitlines())) == list(map(json.loads, lines))
    assert len((tmp_path / "utterances.spoilt.jsonl").read_text().splitlines()) == len(lines) + 9
    assert read_interactions(tmp_path / "interactions.jsonl") == expected


def test_of_two_processes_the_answers_that_fit_are_kept(tmp_path: Path) -> None:
    def second(turn: Turn) -> str | int:
        return f"Second: {turn.question}" if turn.phase in ("draft", "revise") else 2

    second.__name__ = "echo"
    logs = []
    for name, agent in (("a", echo), ("b", second)):
        simulate([world()], agent, tmp_path / name)
        logs.append((tmp_path / name / "utterances.jsonl").read_text().splitlines())
    log = tmp_path / "a/utterances.jsonl"
    log.write_text("".join(f"{line}\n" for both in zip(*logs, strict=True) for line in both))
    finished = simulate([world()], echo, tmp_path / "a")
    assert len(finished) == 8
    for one in finished:
        ratings = {each.rating for each in one.feedback}
        assert one.draft.text == f"About: {one.question}"
        assert ratings == {4.0}
    turns = [(row["world"], row["turn"]) for row in map(json.loads, log.read_text().splitlines())]
    assert len(set(turns)) == len(turns)


def test_different_answers_without_hashes_cannot_be_told_apart(tmp_path: Path) -> None:
    simulate([world()], echo, tmp_path)
    _make_old(tmp_path)
    log = tmp_path / "utterances.jsonl"
    first = log.read_text().splitlines()[0]
    log.write_text(first.replace("About", "Against") + "\n" + log.read_text())
    with pytest.raises(UserError, match="their answers differ"):
        simulate([world()], echo, tmp_path)


def _make_old(folder: Path) -> None:
    """Take away what earlier versions did not write."""
    (folder / "society.json").unlink(missing_ok=True)
    log = folder / "utterances.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    log.write_text("".join(json.dumps({**row, "asked": ""}) + "\n" for row in rows))
