"""Workers as processes of this machine."""

import os
import signal
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

from social_sandbox.envs.errors import UserError

from .config import EngineConfig
from .worker import Job, Outcome, WorldPlayer

_GRACE = 5.0
"""How long a process may take to end that has closed its connection, in seconds."""

HOST = "127.0.0.1"
"""Where the workers find the driver."""


class WorkerLostError(Exception):
    """The process of a worker has ended."""


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
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        # The job is sent later. What a process is started with goes into a pipe that the driver
        # keeps open at both ends: were a large job in it and the process killed before it has read
        # all, the driver would wait for ever.
        self._process = context.Process(target=_work, args=(theirs, number, visible))
        with _without_interrupts():
            self._process.start()
        theirs.close()
        self._calls = ThreadPoolExecutor(1)
        self._calls.submit(self._send, job)

    def greet(self) -> "Future[str]":
        """Return why the worker cannot play; empty: it can."""
        return self._calls.submit(self._call, None)

    def play(self, name: str) -> "Future[Outcome]":
        """Play a world."""
        return self._calls.submit(self._call, name)

    def end(self) -> None:
        """Let the process end in order."""
        self._calls.submit(self._connection.close)
        self._calls.shutdown(wait=False)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._calls.shutdown(wait=False, cancel_futures=True)

    def _send(self, value: object) -> None:
        with suppress(OSError):  # the next call says so
            self._connection.send(value)

    def _call(self, name: str | None) -> Any:
        """Send a call, and return what the worker answers.

        Raises:
            WorkerLostError: The process has ended.
        """
        try:
            self._connection.send(name)
            result, error = self._connection.recv()
        except (EOFError, OSError) as lost:
            self._process.join(timeout=_GRACE)
            code = self._process.exitcode or 0
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise WorkerLostError(f"its process has ended, {how}") from lost
        if error is not None:
            raise RuntimeError(error)
        return result


@contextmanager
def local_workers(config: EngineConfig) -> Iterator["LocalWorkers"]:
    """Check that this machine can have the workers, and yield what starts them.

    Raises:
        UserError: There are fewer GPUs than the workers need.
    """
    yield LocalWorkers(config, _gpus(config))


class LocalWorkers:
    """Starts workers on this machine."""

    lost = (WorkerLostError,)
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
            f"engine.gpus_per_worker: {workers} workers need {n_needed:g} GPUs ({each:g} each), "
            f"and this machine has {n}"
        )
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(number) for number in range(n)]


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold back SIGINT from this thread and from the processes that it starts.

    Ctrl-C reaches every process of a terminal, and the driver tells its workers to stop: a worker
    must not be interrupted itself, not even before its first line of Python.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, number: int, visible: str | None) -> None:
    """Play the worlds that the driver names, until it closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible
    with suppress(EOFError, OSError):
        player = WorldPlayer(connection.recv(), number)
        while True:
            name = connection.recv()
            try:
                result: str | Outcome = player.play(name) if name else ""
            except Exception:
                connection.send((None, traceback.format_exc()))
            else:
                connection.send((result, None))


def _end_with_parent() -> None:
    """End this process when its driver has died: nobody would use what it goes on to pay for."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
