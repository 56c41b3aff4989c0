"""Workers as actors of a Ray cluster."""

import os
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from social_sandbox.envs.errors import UserError, first_words

from .config import EngineConfig
from .worker import Job, Outcome, WorldPlayer, difference, this_program


class RayWorker:
    """An actor that plays one world at a time."""

    def __init__(self, actor: Any, job: Any) -> None:
        """Keep the actor, and the job in Ray's store."""
        self._actor, self._job = actor, job

    def greet(self) -> "Future[str]":
        """Return why the worker cannot play; empty: it can."""
        # Plain values only: a worker with another version could not read our classes.
        future: Future[str] = self._actor.greet.remote(asdict(this_program())).future()
        return future

    def play(self, name: str) -> "Future[Outcome]":
        """Play a world."""
        future: Future[Outcome] = self._actor.play.remote(self._job, name).future()
        return future

    def end(self) -> None:
        """Let the actor end, which has nothing under way."""
        self.kill()

    def kill(self) -> None:
        """End the actor at once."""
        import ray

        ray.kill(self._actor)


class Actor:
    """What runs in a worker process of Ray."""

    def __init__(self, number: int, paths: list[str]) -> None:
        """Find modules where the driver finds them, as far as this machine has these folders."""
        sys.path += [path for path in paths if path not in sys.path and os.path.isdir(path)]
        self._number = number
        self._player: WorldPlayer | None = None

    def greet(self, driver: dict[str, str]) -> str:
        """Return how this program differs from the driver's."""
        return difference(driver)

    def play(self, job: Job, name: str) -> Outcome:
        """Play a world."""
        if self._player is None:
            self._player = WorldPlayer(job, self._number)
        return self._player.play(name)


class RayWorkers:
    """Starts workers in a cluster."""

    def __init__(self, config: EngineConfig, host: str) -> None:
        """Keep the settings and this machine's address in the cluster."""
        import ray
        from ray.exceptions import NodeDiedError, ObjectLostError, RayActorError, RayError

        self._config, self.host = config, host
        self._actor = ray.remote(Actor)
        self.lost = (RayActorError, NodeDiedError, ObjectLostError)
        self.broken = RayError

    def start(self, job: Job, number: int) -> RayWorker:
        """Start a worker."""
        import ray

        actor = self._actor.options(
            num_cpus=self._config.cpus_per_worker,
            num_gpus=self._config.gpus_per_worker,
            max_restarts=0,
        ).remote(number, sys.path)
        return RayWorker(actor, ray.put(job))


@contextmanager
def ray_workers(config: EngineConfig) -> Iterator[RayWorkers]:
    """Connect to a cluster, or start one on this machine, and yield what starts workers there.

    Raises:
        UserError: There is no cluster at the address, it has another version of Ray or Python, or
            it has fewer processors than the workers need.
    """
    # Ray sends statistics of its use otherwise.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    was_connected = ray.is_initialized()
    if not was_connected:
        _connect(config)
    try:
        _check_resources(config)
        yield RayWorkers(config, ray.util.get_node_ip_address())
    finally:
        if not was_connected:
            ray.shutdown()


def _connect(config: EngineConfig) -> None:
    import ray

    common = {"logging_level": "ERROR", "log_to_driver": False}
    address = config.address or os.environ.get("RAY_ADDRESS")
    named = f"engine.address={address or 'null'}"
    hint = "ray start --head starts one, and engine.address=local one for this command alone"
    if address in (None, "auto"):
        found = _cluster_here()
        if address == "auto" and found is None:
            raise UserError(f"{named}: no Ray cluster runs on this machine; {hint}")
        address = found or "local"
    elif address != "local" and not _answers(address):
        raise UserError(f"{named}: no Ray cluster there; {hint}")
    if address == "local":
        # Workers that wait for a server need no core of their own.
        cores = round((config.workers or 1) * config.cpus_per_worker)
        common |= {"include_dashboard": False, "num_cpus": max(os.cpu_count() or 1, cores)}
    try:
        ray.init(address=address, **common)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        words = " ".join(str(error).split())
        if "ersion mismatch" in words:
            raise UserError(f"{named}: {words[:300]}") from error
        raise UserError(f"{named}: no Ray cluster there ({first_words(error)}); {hint}") from error


def _cluster_here() -> str | None:
    """Return the address of the cluster that runs on this machine, or None."""
    # Ray waits a minute for a cluster that has died without a word.
    from ray._private.services import get_ray_address_from_environment

    try:
        address = str(get_ray_address_from_environment("auto", None))
    except ConnectionError:
        return None
    return address if _answers(address) else None


def _answers(address: str) -> bool:
    """Return whether something listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return False
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
            return True
    except OSError:
        return False


def _check_resources(config: EngineConfig) -> None:
    import ray

    has = ray.cluster_resources()
    workers = config.workers or 1
    for name, setting, each in (
        ("GPU", "gpus_per_worker", config.gpus_per_worker),
        ("CPU", "cpus_per_worker", config.cpus_per_worker),
    ):
        needed = workers * each
        if needed > has.get(name, 0):
            raise UserError(
                f"engine.{setting}: {workers} workers need {needed:g} {name}s ({each:g} each), "
                f"and the cluster has {has.get(name, 0):g}"
            )
