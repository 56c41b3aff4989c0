from pathlib import Path

import pytest

from social_sandbox.policies import Population, ScriptedPolicy, simulate
from social_sandbox.policies.society.engines.merge import sort_log

from ...conftest import society


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log of a simulation, which is sorted at its end."""
    scripted = ScriptedPolicy()
    simulate([society()], Population(social=scripted, observer=scripted), tmp_path)
    return tmp_path / "utterances.jsonl"


def test_a_log_is_sorted_whoever_was_answered_first(log: Path) -> None:
    ordered = log.read_bytes()
    log.write_bytes(b"".join(reversed(ordered.splitlines(keepends=True))))
    sort_log(log)
    assert log.read_bytes() == ordered


def test_a_log_in_order_is_not_written_again(log: Path) -> None:
    before = log.stat().st_ino
    sort_log(log)
    assert log.stat().st_ino == before


def test_a_torn_line_is_left_out(log: Path) -> None:
    ordered = log.read_bytes()
    log.write_bytes(ordered + ordered[:30])
    sort_log(log)
    assert log.read_bytes() == ordered
