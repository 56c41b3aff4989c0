from collections.abc import Sequence
from pathlib import Path

import pytest

from social_sandbox.envs import Turn, UserError, Utterance, read_interactions
from social_sandbox.policies import Population, ScriptedPolicy, simulate

from ..conftest import society


class Killed(Exception):
    """Stands for a power cut."""


class Mortal(ScriptedPolicy):
    """Dies after some calls."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.turns = 0

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        if self.calls == 0:
            raise Killed
        self.calls -= 1
        self.turns += len(turns)
        return super().act(turns)


def both(policy: ScriptedPolicy) -> Population:
    return Population(social=policy, observer=policy)


@pytest.mark.parametrize("calls", range(9))
def test_a_killed_simulation_resumes_where_it_stopped(tmp_path: Path, calls: int) -> None:
    whole, mortal = Mortal(99), Mortal(calls)
    expected = simulate([society()], both(whole), tmp_path / "whole")
    try:
        simulate([society()], both(mortal), tmp_path / "killed")
    except Killed:
        n_finished = len(read_interactions(tmp_path / "killed" / "interactions.jsonl"))
        assert n_finished == 4 * (calls // 4)
    revived = Mortal(99)
    assert simulate([society()], both(revived), tmp_path / "killed") == expected
    assert mortal.turns + revived.turns == whole.turns
    files = [(tmp_path / name / "interactions.jsonl").read_text() for name in ("whole", "killed")]
    assert files[0] == files[1]


def test_the_turn_of_an_incomplete_log_line_is_played_again(tmp_path: Path) -> None:
    expected = simulate([society()], both(ScriptedPolicy()), tmp_path)
    log = tmp_path / "utterances.jsonl"
    log.write_bytes(log.read_bytes()[:-30])
    assert simulate([society()], both(ScriptedPolicy()), tmp_path) == expected


def test_a_finished_simulation_asks_no_policy(tmp_path: Path) -> None:
    expected = simulate([society()], both(ScriptedPolicy()), tmp_path)
    assert simulate([society()], both(Mortal(0)), tmp_path) == expected


def test_a_broken_line_in_the_log_is_named(tmp_path: Path) -> None:
    simulate([society()], both(ScriptedPolicy()), tmp_path)
    log = tmp_path / "utterances.jsonl"
    lines = log.read_text().split("\n")
    lines[4] = "{oops"
    log.write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"utterances\.jsonl, line 5"):
        simulate([society()], both(ScriptedPolicy()), tmp_path)


def test_the_log_of_another_society_is_refused(tmp_path: Path) -> None:
    simulate([society()], both(ScriptedPolicy()), tmp_path)
    with pytest.raises(UserError, match="other worlds: world_0"):
        simulate([society(name="elsewhere")], both(ScriptedPolicy()), tmp_path)
    with pytest.raises(UserError, match="another society"):
        simulate([society(n_rounds=1)], both(ScriptedPolicy()), tmp_path)
