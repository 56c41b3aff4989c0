"""Checkpoints of a training run: the newest complete one, its run time and the best weights."""

import json
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerState

from social_sandbox.envs.errors import UserError


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint in a folder; None if there is none."""
    numbered = {
        int(path.name.removeprefix("checkpoint-")): path
        for path in folder.glob("checkpoint-*")
        if path.name.removeprefix("checkpoint-").isdigit()
    }
    for _, path in sorted(numbered.items(), reverse=True):
        # The Trainer writes this file last, so a checkpoint that has it is complete.
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return path
    return None


class Stopwatch(TrainerCallback):  # type: ignore[misc]
    """Records the run time in seconds and the number of processes in every checkpoint."""

    def __init__(self, start: float) -> None:
        """Take the time at which the run started, in seconds of `time.monotonic`."""
        self.start = start

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write the seconds since the start into the Trainer's state."""
        # The Trainer saves this dictionary in checkpoints; when it resumes, it ignores entries that
        # belong to none of its callbacks.
        state.stateful_callbacks[_SECONDS] = time.monotonic() - self.start
        state.stateful_callbacks[_PROCESSES] = args.world_size

    on_evaluate = on_step_end


_SECONDS = "seconds"
_PROCESSES = "processes"


def check_processes(state: TrainerState, count: int) -> None:
    """Raise UserError if a run would resume with a different number of processes.

    The number of processes decides how many examples a step reads, so the steps that the checkpoint
    counts would mean something else.
    """
    before = state.stateful_callbacks.get(_PROCESSES, count)
    if before != count:
        raise UserError(
            f"output_dir: the checkpoint was written by {before} processes, this run has {count}; "
            f"resume with {before} processes, or choose another output_dir"
        )


def seconds_before(checkpoints: Path) -> float:
    """Return how many seconds the earlier parts of a run took; 0 if there are none."""
    last = last_checkpoint(checkpoints)
    if last is None:
        return 0.0
    state = json.loads((last / "trainer_state.json").read_text(encoding="utf-8"))
    return float(state.get("stateful_callbacks", {}).get(_SECONDS, 0.0))


def load_best(trainer: Any, state: TrainerState) -> int:
    """Load the weights with the lowest loss on held-out groups and return their step.

    Without held-out groups, or without that checkpoint, the last weights stay.
    """
    best = state.best_global_step
    if best is None or best == state.global_step:
        return int(state.global_step)
    # Find the checkpoint by its step: the recorded path is wrong if the folder has been moved.
    checkpoint = Path(trainer.args.output_dir) / f"checkpoint-{best}"
    if not checkpoint.is_dir():
        return int(state.global_step)
    state.best_model_checkpoint = str(checkpoint)
    trainer.state = state
    trainer._load_best_model()
    return int(best)
