"""The driver: it hands worlds to workers until all are finished, and replaces lost workers."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from social_sandbox.envs.errors import UserError, first_words

from ..account import Account, Budget, BudgetReached
from ..log import INTERACTIONS, LOG, utterance_log
from ..phased import distinct
from ..population import Cast
from ..progress import ShowProgress
from . import world_folder
from .config import EngineConfig
from .ledger import Ledger, Report, served
from .merge import WORLDS, merge_worlds, part_worlds
from .progress import WorkersProgress
from .worker import Job, Outcome, Society, WorldPlayer

log = logging.getLogger(__name__)

OnProgress = Callable[[int, Account], None]
"""Called with the number of finished interactions and what they have cost."""

_GRACE = 10.0
"""How long workers may take to write the answers under way when they are told to stop, in s."""


class Worker(Protocol):
    """A process that plays one world at a time."""

    def greet(self) -> "Future[str]":
        """Return why the worker cannot play; empty: it can."""
        ...

    def play(self, name: str) -> "Future[Outcome]":
        """Play a world."""
        ...

    def end(self) -> None:
        """Let the worker end, which has nothing under way."""
        ...

    def kill(self) -> None:
        """End the worker at once."""
        ...


class Workers(Protocol):
    """Starts workers."""

    @property
    def lost(self) -> tuple[type[BaseException], ...]:
        """What the future of a worker raises that has died."""
        ...

    @property
    def host(self) -> str:
        """The address at which workers find the driver."""
        ...

    def start(self, job: Job, number: int) -> Worker:
        """Start a worker."""
        ...


def simulate_worlds(
    society: Society,
    folder: str | Path,
    config: EngineConfig | None = None,
    *,
    budget: Budget | None = None,
    progress: ShowProgress = False,
    on_progress: OnProgress | None = None,
) -> Path:
    """Play each world on its own, in as many processes as the settings say.

    The files are those of `simulate`, and the same bytes whoever played which world when, provided
    that the policies answer alike. Worlds that are under way resume, and finished ones are kept.
    The caller holds the lock of the folder.

    Args:
        society: The worlds and their players; workers get a copy of it.
        folder: The folder of the simulation; machines of a cluster have to share it.
        config: Who plays; default: this process, world after world.
        budget: Limits of all worlds together, over all calls with this folder.
        progress: Whether to show progress.
        on_progress: Called about every second.

    Returns:
        The file with the interactions.

    Raises:
        UserError: A setting is wrong, or a worker says what the user can mend.
        BudgetReached: The budget is spent.
    """
    folder, config = Path(folder), config or EngineConfig()
    folder.mkdir(parents=True, exist_ok=True)
    part_worlds(folder)
    worlds = {name: folder / WORLDS / name for name in society.names}
    todo = [name for name, path in worlds.items() if world_folder.finished(path) is None]
    ledger = Ledger(budget, {name: _known(name, path) for name, path in worlds.items()})
    if todo and config.workers is None:
        _play_here(society, folder, todo, ledger, budget, progress, on_progress)
    elif todo:
        _play_there(society, folder, todo, ledger, config, budget, progress, on_progress)
    merge_worlds(folder, worlds)
    return folder / INTERACTIONS


def check_engine(cast: Cast, config: EngineConfig) -> None:
    """Raise UserError for a person among the players: people sit at one process alone."""
    for policy in distinct(cast.values()):
        is_here = getattr(policy, "is_person", False) or getattr(policy, "interactive", False)
        if is_here and config.workers is not None:
            raise UserError(
                f"engine.workers: {policy.name} is a person, who plays in one process; null is "
                "that process"
            )


def _known(name: str, folder: Path) -> Report:
    """Return what is known of a world from its log."""
    sealed = world_folder.finished(folder)
    if sealed:
        lines = utterance_log(sealed.folder).read()
        with (sealed.folder / INTERACTIONS).open("rb") as file:
            n = sum(1 for _ in file)
    else:
        lines, n = list(world_folder.answers(folder).values()), 0
    account = Account()
    account.add(line.utterance for line in lines)
    return Report(name, n, 0, len(lines), account)


def _play_here(
    society: Society,
    folder: Path,
    todo: Sequence[str],
    ledger: Ledger,
    budget: Budget | None,
    progress: ShowProgress,
    on_progress: OnProgress | None,
) -> None:
    player = WorldPlayer(Job(society, folder, None, "", often=_is_limited(budget)), 0, ledger)
    for name in todo:
        _raise(player.play(name, progress))
        if on_progress:
            on_progress(*_sums(ledger))


def _play_there(
    society: Society,
    folder: Path,
    todo: Sequence[str],
    ledger: Ledger,
    config: EngineConfig,
    budget: Budget | None,
    progress: ShowProgress,
    on_progress: OnProgress | None,
) -> None:
    with _marked(folder) as mark, _workers(config) as workers, served(ledger, workers.host) as at:
        job = Job(society, folder.resolve(), at, mark, often=_is_limited(budget))
        bar = WorkersProgress(
            ledger, len(ledger.worlds), len(ledger.worlds) - len(todo), show=bool(progress)
        )
        with bar:
            _Drive(job, workers, config, ledger, bar, on_progress).play(list(todo))


def _workers(config: EngineConfig) -> AbstractContextManager[Workers]:
    if config.name == "ray":
        from .cluster import ray_workers

        return ray_workers(config)
    from .local import local_workers

    return local_workers(config)


@dataclass(frozen=True)
class _Task:
    """What a worker is doing: playing a world, or, without a world, saying hello."""

    number: int
    worker: Worker
    world: str = ""


class _Drive:
    """Hands out worlds, and replaces workers that are lost."""

    def __init__(
        self,
        job: Job,
        workers: Workers,
        config: EngineConfig,
        ledger: Ledger,
        bar: WorkersProgress,
        on_progress: OnProgress | None,
    ) -> None:
        self._job, self._workers, self._config = job, workers, config
        self._ledger, self._bar, self._on_progress = ledger, bar, on_progress
        self._running: dict[Future[Any], _Task] = {}
        self._idle: set[int] = set()
        self._losses: dict[str, tuple[int, int]] = {}
        self._last = monotonic()

    def play(self, todo: list[str]) -> None:
        """Play worlds until all are finished."""
        assert self._config.workers is not None
        try:
            for number in range(min(self._config.workers, len(todo))):
                self._start(number)
            while self._running:
                self._wait()
                for future in [future for future in self._running if future.done()]:
                    self._take(future, self._running.pop(future), todo)
        except BaseException as error:
            self._end(type(error).__name__)
            raise
        finally:
            for task in self._running.values():
                task.worker.kill()

    def _start(self, number: int) -> None:
        worker = self._workers.start(self._job, number)
        self._running[worker.greet()] = _Task(number, worker)

    def _take(self, future: "Future[Any]", task: _Task, todo: list[str]) -> None:
        """Use what a worker has returned, and give it the next world."""
        try:
            outcome = future.result()
        except self._workers.lost as error:
            task.worker.kill()
            self._lose(task, error, todo)
            return
        if isinstance(outcome, str) and outcome:
            raise UserError(f"engine: {outcome}")
        if isinstance(outcome, Outcome):
            _raise(outcome)
            self._bar.n_finished += 1
        if todo:
            name = todo.pop(0)
            self._running[task.worker.play(name)] = _Task(task.number, task.worker, name)
        else:
            self._idle.add(task.number)
            task.worker.end()

    def _lose(self, task: _Task, error: BaseException, todo: list[str]) -> None:
        """Put the world of a lost worker back, and start another worker in its place."""
        why = _why(error)
        if "creation task" in why or "ModuleNotFoundError" in why:
            raise UserError(
                f"engine: a worker cannot start ({why}); every machine needs the same "
                "social-sandbox"
            )
        if self._ledger.stopped:
            return
        size = _size(self._job.folder / WORLDS / task.world) if task.world else 0
        n, before = self._losses.get(task.world, (0, -1))
        n = 1 if task.world and size > before else n + 1
        self._losses[task.world] = (n, size)
        what = f"while it played {task.world}" if task.world else "before it played"
        if n > self._config.losses:
            raise UserError(
                f"engine: lost {n} worker(s) {what}, without one further answer (last: {why}); "
                "nothing is lost, and the same command goes on from here"
            )
        log.warning(
            "engine: worker %d was lost %s (%s); a new one goes on from its log",
            *(task.number + 1, what, why),
        )
        if task.world:
            todo.insert(0, task.world)
        self._start(task.number)

    def _wait(self) -> None:
        wait(self._running, timeout=0.25, return_when=FIRST_COMPLETED)
        self._bar.update(self._idle)
        if self._on_progress and monotonic() - self._last >= 1:
            self._last = monotonic()
            self._on_progress(*_sums(self._ledger))

    def _end(self, why: str) -> None:
        """Tell the workers to stop, and wait until they have written what was under way."""
        self._ledger.stop(why)
        wait([future for future, task in self._running.items() if task.world], timeout=_GRACE)
        self._bar.update(self._idle)


def _raise(outcome: Outcome) -> None:
    """Raise what a worker says in the place of a finished world."""
    if outcome.kind == "budget":
        raise BudgetReached(outcome.why)
    if outcome.kind in ("error", "stop"):
        raise UserError(outcome.why)


def _why(error: BaseException) -> str:
    """Return in one line why a worker was lost."""
    first = first_words(error)
    if "creation task" in first:
        lines = [line.strip() for line in str(error).splitlines()]
        causes = [line for line in lines if "Error" in line]
        first = f"{first} {causes[-1]}" if causes else first
    return first[:300]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob(f"*/{LOG}"))


def _sums(ledger: Ledger) -> tuple[int, Account]:
    return sum(report.interactions for report in ledger.worlds.values()), ledger.account


def _is_limited(budget: Budget | None) -> bool:
    return budget is not None and (budget.tokens is not None or budget.usd is not None)


@contextmanager
def _marked(folder: Path) -> Iterator[str]:
    """Make a file in a folder, by which workers know that they see the same folder."""
    name = f".driver-{os.getpid()}-{os.urandom(4).hex()}"
    (folder / name).touch()
    try:
        yield name
    finally:
        (folder / name).unlink(missing_ok=True)
