"""Workers of this machine that are killed, or interrupted, at awkward moments."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread

import psutil
import pytest

from social_sandbox.policies.society.engines import EngineConfig, simulate_worlds
from tests.helpers.villages import Village

SOCIETY = (
    *("policy=scripted", "observer=scripted", "embedder=hashing", "env.grid_size=6"),
    *("env.n_rounds=30", "n_worlds=3", "progress=false", "wandb.mode=disabled"),
)
FILES = ("utterances.jsonl", "interactions.jsonl", "society.json", "population.json")


def starting(driver: int) -> list[psutil.Process]:
    """Return the workers of a driver, from the moment at which they are processes."""
    found = []
    with suppress(psutil.Error):
        for process in psutil.Process(driver).children(recursive=True):
            with suppress(psutil.Error):
                if "spawn_main" in " ".join(process.cmdline()):
                    found.append(process)
    return found


def test_a_worker_that_is_killed_while_it_starts_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    killed: list[int] = []
    of_other_tests = {process.pid for process in starting(os.getpid())}

    def kill_first() -> None:
        for _ in range(10_000):
            for process in starting(os.getpid()):
                if process.pid in of_other_tests:
                    continue
                process.kill()
                killed.append(process.pid)
                return
            time.sleep(0.001)

    killer = Thread(target=kill_first)
    killer.start()
    # More than a pipe holds: it is not read before the process is killed.
    village = Village(n_worlds=2, ballast=bytes(10**6))
    simulate_worlds(village, tmp_path, EngineConfig(workers=1))
    killer.join()
    assert len(killed) == 1
    assert "was lost before it played (its process has ended, SIGKILL)" in caplog.text
    assert (tmp_path / "interactions.jsonl").exists()


def simulate(folder: Path, *engine: str) -> "subprocess.Popen[str]":
    code = "import sys; from social_sandbox.alignment.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, "simulate", *SOCIETY, f"output_dir={folder}", *engine],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell ignores SIGINT in what it starts in the background, and so would the children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def check_interrupted(folder: Path, engine: tuple[str, ...], played: Callable[[], bool]) -> None:
    """Interrupt a run and all its processes, as Ctrl-C does, and let the command go on."""
    run = simulate(folder / "run", *engine)
    for _ in range(1200):
        if played() or run.poll() is not None:
            break
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert errors == "stopped; nothing is lost: the same command goes on from here\n"
    assert run.returncode == 130
    kept = {path: path.read_bytes() for path in (folder / "run").glob(ATTEMPTS)}
    assert any(kept.values())
    again, alone = simulate(folder / "run", *engine), simulate(folder / "alone")
    assert [again.wait(), alone.wait()] == [0, 0]
    for name in FILES:
        assert (folder / "run/simulation" / name).read_bytes() == (
            folder / "alone/simulation" / name
        ).read_bytes(), name


ATTEMPTS = "simulation/worlds/*/attempt-*/utterances.jsonl"


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_the_command_goes_on(tmp_path: Path) -> None:
    def played() -> bool:
        return len(list((tmp_path / "run").glob(ATTEMPTS))) > 1

    check_interrupted(tmp_path, ("engine.workers=2",), played)


@pytest.mark.chaos
def test_ctrl_c_with_ray_is_one_line_and_the_command_goes_on(tmp_path: Path) -> None:
    def played() -> bool:
        return len(list((tmp_path / "run").glob(ATTEMPTS))) > 1

    check_interrupted(tmp_path, ("engine=ray", "engine.workers=2", "engine.address=local"), played)
