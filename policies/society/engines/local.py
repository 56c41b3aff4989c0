"""Workers as processes of this machine."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait

from social_sandbox.envs.errors import UserError

from .config import EngineConfig
from .worker import Job, Outcome, WorldPlayer

LOST = (BrokenProcessPool,)
"""What the future of a worker raises that has died."""

HOST = "127.0.0.1"
"""Where the workers find the driver."""


class LocalWorker:
    """A process that plays one world at a time."""

    def __init__(self, job: Job, number: int, visible: str | None) -> None:
        """Start the process.

        Args:
            job: What to play.
            number: Number of the worker.
            visible: The GPUs that the process may see, as in CUDA_VISIBLE_DEVICES; None: all.
        """
        # Started anew: a fork would inherit threads and CUDA contexts of the driver.
        self._pool = ProcessPoolExecutor(
            1,
            mp_context=get_context("spawn"),
            initializer=_begin,
            initargs=(job, number, visible),
        )

    def greet(self) -> "Future[str]":
        """Return why the worker cannot play; empty: it can."""
        return self._pool.submit(_nothing_against)

    def play(self, name: str) -> "Future[Outcome]":
        """Play a world."""
        return self._pool.submit(_play, name)

    def end(self) -> None:
        """Let the process end in order."""
        self._pool.shutdown(wait=False)

    def kill(self) -> None:
        """End the process at once."""
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def local_workers(config: EngineConfig) -> Iterator["LocalWorkers"]:
    """Check that this machine can have the workers, and yield what starts them.

    Raises:
        UserError: There are fewer GPUs than the workers need.
    """
    yield LocalWorkers(config, _gpus(config))


class LocalWorkers:
    """Starts workers on this machine."""

    lost = LOST
    host = HOST

    def __init__(self, config: EngineConfig, gpus: list[str]) -> None:
        """Keep the settings and the names of the GPUs."""
        self._config, self._gpus = config, gpus

    def start(self, job: Job, number: int) -> LocalWorker:
        """Start a worker."""
        visible = None
        if self._gpus:
            each, first = self._config.gpus_per_worker, int(number * self._config.gpus_per_worker)
            visible = ",".join(self._gpus[first : first + max(1, int(each))])
        return LocalWorker(job, number, visible)


def _gpus(config: EngineConfig) -> list[str]:
    if not config.gpus_per_worker:
        return []
    import torch

    n = torch.cuda.device_count()
    workers, each = config.workers or 1, config.gpus_per_worker
    # A GPU has room for whole workers alone.
    n_needed = workers * each if each >= 1 else -(-workers // int(1 / each))
    if n_needed > n:
        raise UserError(
            f"engine.gpus_per_worker: {workers} workers with {each:g} GPUs each need "
            f"{n_needed:g} GPUs, and this machine has {n}"
        )
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(number) for number in range(n)]


_player: WorldPlayer | None = None
"""The player of this process, if it is a worker."""


def _begin(job: Job, number: int, visible: str | None) -> None:
    global _player
    # Ctrl-C reaches every process of a terminal; the driver tells its workers to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible
    _player = WorldPlayer(job, number)


def _end_with_parent() -> None:
    """End this process when its driver has died: nobody would use what it goes on to pay for."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _nothing_against() -> str:
    return ""


def _play(name: str) -> Outcome:
    assert _player is not None
    return _player.play(name)
