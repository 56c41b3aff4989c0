"""Worlds that the workers of a Ray cluster on this machine play."""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from social_sandbox.envs import UserError
from social_sandbox.policies import simulate
from social_sandbox.policies.society.engines import EngineConfig, simulate_worlds
from social_sandbox.policies.society.engines.worker import difference, this_program
from tests.helpers.villages import Village, dies_once

ray = pytest.importorskip("ray")
TWO = EngineConfig(name="ray", workers=2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", num_cpus=3, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


def test_a_cluster_writes_what_one_process_writes_and_replaces_killed_workers(
    cluster: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    village = Village(n_worlds=2, speaker=dies_once, folder=tmp_path)
    simulate_worlds(village, tmp_path / "ray", TWO)
    simulate(village.worlds(), village.population(), tmp_path / "alone")
    for name in ("utterances.jsonl", "interactions.jsonl", "society.json", "population.json"):
        one, other = (tmp_path / run / name for run in ("ray", "alone"))
        assert one.read_bytes() == other.read_bytes(), name
    lost = [record.getMessage() for record in caplog.records]
    assert len(lost) == 2
    assert all("was lost while it played world_" in line and "\n" not in line for line in lost)


def test_fewer_processors_than_asked_for_are_one_line(cluster: None, tmp_path: Path) -> None:
    config = EngineConfig(name="ray", workers=4, gpus_per_worker=0.5)
    with pytest.raises(UserError, match=r"4 workers need 2 GPUs \(0\.5 each\), and .* 0"):
        simulate_worlds(Village(), tmp_path, config)
    with pytest.raises(UserError, match=r"engine.cpus_per_worker: 9 workers need 9 CPUs"):
        simulate_worlds(Village(), tmp_path, EngineConfig(name="ray", workers=9))


def test_another_program_of_a_worker_is_named() -> None:
    driver = asdict(this_program())
    assert difference(driver) == ""
    assert difference({**driver, "python": "3.99"}).startswith("Python is 3.")
    assert "social-sandbox is " in difference({**driver, "version": "9.0"})
    assert "sources" in difference({**driver, "sources": "0"})


def test_ray_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'social-sandbox\[ray\]'"):
        EngineConfig(name="ray", workers=2)


def test_a_client_address_is_refused() -> None:
    with pytest.raises(UserError, match=r"engine\.address: a Ray client"):
        EngineConfig(name="ray", workers=2, address="ray://head:10001")


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nowhere"])
def test_an_address_without_a_cluster_is_one_line_at_once(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    config = EngineConfig(name="ray", workers=2, address=address)
    with pytest.raises(UserError, match=f"engine.address={address}: no Ray cluster there; ray"):
        simulate_worlds(Village(), tmp_path, config)
