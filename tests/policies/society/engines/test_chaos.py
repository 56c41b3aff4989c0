"""Kill workers, driver and model server: every run ends with the same bytes.

The short form runs with all tests. `pytest -m chaos -s` runs 20 with Ray and prints what they went
through; CHAOS_RUNS and CHAOS_ENGINE change that.
"""

import os
from pathlib import Path

import pytest

from tests.helpers.chaos import (
    MAX_CONCURRENCY,
    Outcome,
    calm_run,
    chaos_run,
    model_server,
    recorded,
)

RAY = ("engine=ray", "engine.workers=2", "engine.address=local")
LOCAL = ("engine.workers=2",)


def check(outcome: Outcome) -> None:
    """What was under way when somebody was killed may be asked again, and nothing else."""
    workers, policies = 2, 2
    kills = sum(outcome.kills.values())
    assert outcome.twice <= kills * workers * policies * MAX_CONCURRENCY, outcome
    # A process that has just begun to start complains in Python's own words if its driver dies.
    assert "/policies/society/" not in outcome.errors


def test_a_killed_worker_and_a_killed_driver_change_no_byte(tmp_path: Path) -> None:
    with model_server(tmp_path / "requests.log") as server:
        calm = calm_run(tmp_path / "calm", server)
        outcome = chaos_run(tmp_path / "chaos", server, LOCAL, 0, ("worker", "driver"))
        assert recorded(tmp_path / "chaos") == calm
    assert outcome.kills.total() == 2
    check(outcome)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_killed_workers_drivers_and_servers_change_no_byte(tmp_path: Path) -> None:
    runs = int(os.environ.get("CHAOS_RUNS", "20"))
    engine = LOCAL if os.environ.get("CHAOS_ENGINE") == "local" else RAY
    with model_server(tmp_path / "requests.log") as server:
        calm = calm_run(tmp_path / "calm", server)
        for seed in range(runs):
            folder = tmp_path / f"chaos_{seed}"
            outcome = chaos_run(folder, server, engine, seed)
            print(
                f"run {seed}: killed {dict(outcome.kills)}, started {outcome.starts} times, "
                f"{outcome.twice} requests asked again"
            )
            assert recorded(folder) == calm
            check(outcome)
