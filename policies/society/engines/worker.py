"""A worker: it plays the worlds that it is given, one after the other."""

import hashlib
import platform
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic
from typing import Literal, Protocol

from social_sandbox.envs.collector import rarely_collecting
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import Interaction, interaction_log
from social_sandbox.envs.rules.world import World

from ..account import Account, BudgetReached
from ..lock import locked
from ..log import INTERACTIONS, Logged
from ..population import Population
from ..progress import ShowProgress
from ..rollout import Answers, rollout
from . import world_folder
from .ledger import Address, RemoteLedger, Report, Shared
from .merge import WORLDS

_PATIENCE = 30.0
"""How long a worker waits for the end of an earlier attempt at its world, in seconds."""

_PAUSE = 0.3
"""Shortest time between two reports without a budget, in seconds."""


class Society(Protocol):
    """The worlds of a simulation and who plays them, as something that can be sent to a worker."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the worlds."""
        ...

    def world(self, name: str) -> World:
        """Return a new world."""
        ...

    def population(self) -> Population:
        """Return the policies, which a worker keeps for all of its worlds."""
        ...


@dataclass(frozen=True)
class Job:
    """What a worker needs to know.

    Attributes:
        society: The worlds and the policies.
        folder: The folder of the simulation, the same for driver and workers.
        ledger: Where the driver serves its ledger.
        mark: A file that the driver has made in the folder.
        often: Whether every answer is reported, since there is a budget.
    """

    society: Society
    folder: Path
    ledger: Address | None
    mark: str
    often: bool


@dataclass(frozen=True)
class Outcome:
    """How a world ended: it is `finished`, or a `stop`, the `budget` or an `error` says why not."""

    world: str
    kind: Literal["finished", "stop", "budget", "error"]
    why: str = ""


@dataclass(frozen=True)
class Program:
    """The program of a process, which has to be the same for driver and workers."""

    python: str
    version: str
    sources: str


@cache
def this_program() -> Program:
    """Return the program of this process; its sources are a hash of `envs` and `policies`."""
    root = Path(__file__).resolve().parents[3]
    sources = hashlib.sha256()
    for room in ("envs", "policies"):
        for file in sorted((root / room).rglob("*.py")):
            sources.update(str(file.relative_to(root)).encode() + file.read_bytes())
    try:
        number = version("social-sandbox")
    except PackageNotFoundError:
        number = "unknown"
    return Program(".".join(platform.python_version_tuple()[:2]), number, sources.hexdigest()[:12])


def difference(driver: dict[str, str]) -> str:
    """Return how this worker's program differs from the driver's, in words; empty: it does not."""
    own = asdict(this_program())
    differing = [name for name in driver if driver[name] != own.get(name)]
    if not differing:
        return ""
    words = {"python": "Python", "version": "social-sandbox", "sources": "social-sandbox's sources"}
    name = differing[0]
    return (
        f"{words.get(name, name)} is {own.get(name)} on {_host()}, and {driver[name]} "
        "where the command was started; install the same on every machine"
    )


class WorldPlayer:
    """Plays worlds; policies stay in memory from one world to the next."""

    def __init__(self, job: Job, number: int, shared: Shared | None = None):
        """Create the player; policies are made with the first world.

        Args:
            job: What to play.
            number: Number of the worker.
            shared: The ledger; default: the one at the job's address.
        """
        self._job, self._number, self._shared = job, number, shared
        self._population: Population | None = None
        self._stop, self._reported = "", -_PAUSE

    def play(self, name: str, progress: ShowProgress = False) -> Outcome:
        """Play a world to its end, or to where the ledger stops it."""
        try:
            self._play(name, progress)
        except BudgetReached as reached:
            return Outcome(name, "budget", str(reached))
        except _Stopped as stopped:
            return Outcome(name, "stop", str(stopped))
        except UserError as error:
            return Outcome(name, "error", str(error))
        except EOFError:
            return Outcome(name, "stop", "the driver has ended")
        except OSError as error:
            where = error.filename or self._job.folder / WORLDS / name
            reason = error.strerror or str(error)
            return Outcome(name, "error", f"simulation: {where} on {_host()}: {reason}")
        return Outcome(name, "finished")

    def _play(self, name: str, progress: ShowProgress) -> None:
        folder = self._job.folder / WORLDS / name
        self._check_folder()
        with locked(folder, "worker", "simulation", patience=_PATIENCE):
            if world_folder.finished(folder):
                return
            world = self._job.society.world(name)
            population = self._policies()
            cast = population.cast([world])
            played = world_folder.replay(world, cast, folder)
            if not world.done:
                log = world_folder.begin(world, cast, folder)
                interactions = interaction_log(log.path.with_name(INTERACTIONS))
                interactions.append(played)
                account, shared = Account.of([world]), self._ledger()
                expected = world.config.n_rounds * len(world.social_agents)

                def report(*, now: bool = False) -> None:
                    if now or self._job.often or monotonic() - self._reported >= _PAUSE:
                        self._reported = monotonic()
                        n = len(world.interactions)
                        sent = Report(name, n, expected, len(world.log), account)
                        self._stop = shared.report(self._number, sent)

                def write(answers: Answers) -> None:
                    write_lines(Logged.answer(turn, utterance) for turn, utterance in answers)
                    account.add(utterance for _, utterance in answers)

                def record(interaction: Interaction, account: Account) -> None:
                    write_interactions([interaction])

                def check() -> None:
                    report()
                    if self._stop.startswith("budget."):
                        raise BudgetReached(self._stop)
                    if self._stop:
                        raise _Stopped(self._stop)

                try:
                    report(now=True)
                    with (
                        log.appending() as write_lines,
                        interactions.appending() as write_interactions,
                        rarely_collecting(),
                    ):
                        rollout(
                            [world],
                            population,
                            on_utterances=write,
                            on_interaction=record,
                            check=check,
                            progress=progress,
                        )
                finally:
                    # Without its driver a worker has nobody to tell.
                    with suppress(OSError, EOFError):
                        report(now=True)
            world_folder.seal(world, cast, folder)

    def _policies(self) -> Population:
        if self._population is None:
            self._population = self._job.society.population()
            players = [each.policy for each in self._population.players]
            for policy in (self._population.social, self._population.observer, *players):
                # Limits per minute hold for all workers together.
                if share := getattr(policy, "share_rates", None):
                    share(self._ledger().reserve)
        return self._population

    def _ledger(self) -> Shared:
        if self._shared is None:
            assert self._job.ledger is not None
            self._shared = RemoteLedger(self._job.ledger)
        return self._shared

    def _check_folder(self) -> None:
        """Raise UserError where this machine does not see the driver's files."""
        mark = self._job.folder / self._job.mark
        # A shared file system may take seconds to show a new file.
        for pause in (0.0, 0.5, 1.0, 2.0, 4.0):
            time.sleep(pause)
            if not self._job.mark or mark.exists():
                return
        raise UserError(
            f"output_dir: {_host()} does not see {self._job.folder}; it must be a folder that all "
            "machines share"
        )


class _Stopped(Exception):
    """The driver has told its workers to stop."""


def _host() -> str:
    return socket.gethostname()
