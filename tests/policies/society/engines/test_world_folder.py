import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from social_sandbox.envs import UserError, Utterance
from social_sandbox.policies.society.engines import world_folder
from social_sandbox.policies.society.log import Logged
from social_sandbox.policies.society.population import as_population
from tests.helpers.societies import chatter, society

CAST = as_population(chatter).cast([society(grid_size=2)])


def attempt(folder: Path, n_answers: int | None = None) -> None:
    """Go on with a world for some answers, in the order in which turns open."""
    world = society(grid_size=2)
    world_folder.replay(world, CAST, folder)
    log = world_folder.begin(world, CAST, folder)
    while (turn := world.first_pending()) and (n_answers is None or len(log.read()) < n_answers):
        log.append([Logged.answer(turn, chatter(turn))])
        world.submit(turn.id, chatter(turn))


def seal(folder: Path) -> world_folder.Finished:
    world = society(grid_size=2)
    world_folder.replay(world, CAST, folder)
    return world_folder.seal(world, CAST, folder)


def test_an_attempt_goes_on_where_the_earlier_ones_have_ended(tmp_path: Path) -> None:
    attempt(tmp_path / "a", 5)
    attempt(tmp_path / "a", 7)
    attempt(tmp_path / "a")
    attempt(tmp_path / "b")
    assert len(world_folder.attempts(tmp_path / "a")) == 3
    assert seal(tmp_path / "a").sha256 == seal(tmp_path / "b").sha256


def test_a_sealed_world_is_named_by_the_sum_of_its_logs(tmp_path: Path) -> None:
    attempt(tmp_path)
    sealed = seal(tmp_path)
    logs = [sealed.folder / name for name in ("utterances.jsonl", "interactions.jsonl")]
    sum = hashlib.sha256(b"".join(log.read_bytes() for log in logs)).hexdigest()
    assert sealed.folder.name == f"finished-{sum}"
    world_folder.check_sealed(sealed)
    logs[1].write_bytes(logs[1].read_bytes()[:-1])
    with pytest.raises(UserError, match="was changed after it was sealed"):
        world_folder.check_sealed(sealed)


def test_a_world_is_sealed_twice_if_it_is_the_same(tmp_path: Path) -> None:
    attempt(tmp_path)
    assert seal(tmp_path) == seal(tmp_path)


def test_two_answers_to_one_turn_have_to_say_the_same(tmp_path: Path) -> None:
    attempt(tmp_path, 5)
    # An attempt that was given up for lost has gone on: its answers are equal, but for their cost.
    late = world_folder.begin(society(grid_size=2), CAST, tmp_path)
    known = list(world_folder.answers(tmp_path).values())
    late.append([replace(known[0], utterance=replace(known[0].utterance, policy=""))])
    assert list(world_folder.answers(tmp_path).values()) == known
    late.append([replace(known[1], utterance=Utterance("something else"))])
    with pytest.raises(UserError, match=r"different answers in .*attempt-1.* and in .*attempt-2"):
        world_folder.answers(tmp_path)


def test_a_world_of_another_society_is_not_continued(tmp_path: Path) -> None:
    attempt(tmp_path, 5)
    with pytest.raises(UserError, match="another society"):
        world_folder.replay(society(grid_size=2, seed=1), CAST, tmp_path)
    with pytest.raises(UserError, match="another society"):
        world_folder.replay(society(grid_size=2, n_peers=1), CAST, tmp_path)


def test_two_finished_worlds_that_differ_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "finished-1").mkdir()
    (tmp_path / "finished-2").mkdir()
    with pytest.raises(UserError, match="two finished worlds that differ, finished-1 and"):
        world_folder.finished(tmp_path)
