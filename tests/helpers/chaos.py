"""Runs whose workers, driver and model server are killed while they play."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MAX_CONCURRENCY = 4
SOCIETY = (
    *("policy=openai", "policy.model=m", "policy.ratings=text", "observer=openai"),
    *("observer.model=m", "observer.ratings=text", "embedder=hashing", "env.grid_size=2"),
    *("env.n_rounds=2", "n_worlds=4", "progress=false", "wandb.mode=disabled"),
    *(f"policy.max_concurrency={MAX_CONCURRENCY}", f"observer.max_concurrency={MAX_CONCURRENCY}"),
)
FILES = ("utterances.jsonl", "interactions.jsonl")


@dataclass
class Server:
    """A model server that can be killed and started again at the same port."""

    log: Path
    port: int = 0
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        script = Path(__file__).parent / "servers" / "model_server.py"
        self.process = subprocess.Popen([sys.executable, str(script), str(self.port), self.log])
        while self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"the model server has ended with {self.process.returncode}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def model_server(log: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(log, port)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass
class Outcome:
    """What a run went through.

    Attributes:
        kills: How often a worker, the driver or the server was killed.
        starts: How often the command was started.
        twice: Requests of turns that were answered again.
        workers: Most workers at work at a time.
        errors: What the command has written to stderr, of all starts.
    """

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    twice: int = 0
    errors: str = ""


def command(folder: Path, server: Server, engine: Sequence[str]) -> list[str]:
    url = f"http://127.0.0.1:{server.port}/v1"
    code = "import sys; from social_sandbox.alignment.cli import main; sys.exit(main())"
    settings = (f"policy.base_url={url}", f"observer.base_url={url}", f"output_dir={folder}")
    return [sys.executable, "-c", code, "simulate", *SOCIETY, *settings, *engine]


def calm_run(folder: Path, server: Server) -> dict[str, str]:
    """Play in one process, and return what was recorded."""
    subprocess.run(command(folder, server, []), check=True, capture_output=True)
    return recorded(folder)


def recorded(folder: Path) -> dict[str, str]:
    """Return the logs of a run without its counts of repeated requests."""
    counts = re.compile(r'"requests":\d+,"retries":\d+')
    return {
        name: counts.sub("", (folder / "simulation" / name).read_text(encoding="utf-8"))
        for name in FILES
    }


def chaos_run(
    folder: Path,
    server: Server,
    engine: Sequence[str],
    seed: int,
    victims: Sequence[str] = ("worker", "driver", "server"),
) -> Outcome:
    """Kill the victims in a random order at random moments, until the command has ended well."""
    draw, outcome = random.Random(seed), Outcome()
    waiting = draw.sample(list(victims), len(victims))
    server.log.unlink(missing_ok=True)
    for _ in range(10):
        outcome.starts += 1
        errors = folder.with_name(f"{folder.name}.{outcome.starts}.err")
        with errors.open("wb") as file:
            driver = subprocess.Popen(
                command(folder, server, engine), stdout=subprocess.DEVNULL, stderr=file
            )
            n_before = _answered(server)
            while driver.poll() is None and waiting:
                # Only while worlds are played, a little further on each time.
                if _answered(server) < n_before + draw.randint(5, 30):
                    time.sleep(0.02)
                    continue
                if _kill(waiting[0], driver, server, draw):
                    outcome.kills[waiting.pop(0)] += 1
                n_before = _answered(server)
            code = driver.wait(timeout=240)
        outcome.errors += errors.read_text(encoding="utf-8")
        if code == 0:
            break
        assert code in (2, -signal.SIGKILL), outcome.errors
    else:
        raise AssertionError(f"still not finished: {outcome.errors}")
    turns = [line for line in server.log.read_text().splitlines() if not line.startswith("0 ")]
    outcome.twice = len(turns) - len(set(turns))
    return outcome


def _answered(server: Server) -> int:
    return server.log.read_bytes().count(b"\n") if server.log.exists() else 0


def _kill(
    victim: str, driver: "subprocess.Popen[bytes]", server: Server, draw: random.Random
) -> bool:
    """Kill a victim; return whether there was one."""
    if victim == "driver":
        # Not its children: they have to notice.
        os.kill(driver.pid, signal.SIGKILL)
        return True
    if victim == "server":
        server.kill()
        time.sleep(draw.uniform(0.5, 2))
        server.start()
        return True
    workers = _workers(driver.pid)
    if not workers:
        return False
    with suppress(psutil.NoSuchProcess):
        draw.choice(workers).kill()
        return True
    return False


def _workers(driver: int) -> list[psutil.Process]:
    """Return the worker processes of a driver that are playing."""
    found = []
    with suppress(psutil.Error):
        for process in psutil.Process(driver).children(recursive=True):
            with suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if "ray::Actor" in line or "multiprocessing.spawn import spawn_main" in line:
                    found.append(process)
    return found
