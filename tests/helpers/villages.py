"""Small societies that can be sent to worker processes."""

import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from social_sandbox.envs import Turn, Utterance, World
from social_sandbox.envs.rules.turns import Tokens
from social_sandbox.policies import Population

from .societies import chatter, society

Speaker = Callable[[Turn], Utterance]


@dataclass(frozen=True)
class Village:
    """Worlds of four agents; `speaker` is a function of a module, which workers import.

    `ballast` is sent to each worker too.
    """

    n_worlds: int = 4
    speaker: Callable[..., Utterance] = chatter
    seed: int = 0
    n_rounds: int = 2
    folder: Path | None = None
    ballast: bytes = b""

    @property
    def names(self) -> Sequence[str]:
        return [f"world_{number}" for number in range(self.n_worlds)]

    def world(self, name: str) -> World:
        seed = self.seed + int(name.removeprefix("world_"))
        return society(grid_size=2, n_rounds=self.n_rounds, seed=seed, name=name)

    def worlds(self) -> list[World]:
        return [self.world(name) for name in self.names]

    def population(self) -> Population:
        if self.folder is None:
            return Population(self.speaker, self.speaker)
        folder, speaker = self.folder, self.speaker

        def speak(turn: Turn) -> Utterance:
            return speaker(turn, folder)

        return Population(speak, speak)


def slow(turn: Turn) -> Utterance:
    time.sleep(0.005)
    return chatter(turn)


def dies_once(turn: Turn, folder: Path) -> Utterance:
    """Kill this process at one turn of every world, the first time that it is asked."""
    if turn.id == "1/social_1/revise":
        mark = folder / f"{turn.world}.died"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return chatter(turn)


def dies_always(turn: Turn) -> Utterance:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def full_disk_in_world_1(turn: Turn, folder: Path) -> Utterance:
    """Let files of this process grow no further, in world 1 and the first time."""
    if turn.world == "world_1" and not (folder / "full").exists():
        (folder / "full").touch()
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    return chatter(turn)


def costly(turn: Turn) -> Utterance:
    return replace(chatter(turn), tokens=Tokens(prompt=5))


def changes_its_mind(turn: Turn) -> Utterance:
    """Answer a turn differently in each process."""
    return Utterance(f"{os.getpid()}", chatter(turn).rating)
