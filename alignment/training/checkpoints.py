"""What a run left on its way: the newest whole checkpoint, its clock, and its best weights."""

import json
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerState

from social_sandbox.envs.errors import UserError


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint of a folder."""
    numbered = {
        int(path.name.removeprefix("checkpoint-")): path
        for path in folder.glob("checkpoint-*")
        if path.name.removeprefix("checkpoint-").isdigit()
    }
    for _, path in sorted(numbered.items(), reverse=True):
        # The Trainer writes this file last.
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return path
    return None


class Stopwatch(TrainerCallback):  # type: ignore[misc]
    """Has every checkpoint tell how long its run took up to there, and in how many processes."""

    def __init__(self, began: float) -> None:
        self.began = began

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The time since the run began goes into the Trainer's state."""
        # It writes these down, and leaves alone those that are none of its callbacks.
        state.stateful_callbacks[_SECONDS] = time.monotonic() - self.began
        state.stateful_callbacks[_PROCESSES] = args.world_size

    on_evaluate = on_step_end


_SECONDS = "seconds"
_PROCESSES = "processes"


def check_processes(state: TrainerState, count: int) -> None:
    """Raise UserError where a run would go on in another number of processes.

    Its steps and epochs would no longer be those that the checkpoint counted.
    """
    before = state.stateful_callbacks.get(_PROCESSES, count)
    if before != count:
        raise UserError(
            f"output_dir: its checkpoint is of {before} processes, and here are {count}; go on "
            "with as many, or begin anew in another output_dir"
        )


def seconds_before(checkpoints: Path) -> float:
    """How long the earlier parts of a run took; 0 where there are none."""
    last = last_checkpoint(checkpoints)
    if last is None:
        return 0.0
    state = json.loads((last / "trainer_state.json").read_text(encoding="utf-8"))
    return float(state.get("stateful_callbacks", {}).get(_SECONDS, 0.0))


def load_best(trainer: Any, state: TrainerState) -> int:
    """Go back to the weights with the least loss on held-out groups, if any; their step."""
    best = state.best_global_step
    if best is None or best == state.global_step:
        return int(state.global_step)
    # By its number: the run's folder may have been moved since.
    checkpoint = Path(trainer.args.output_dir) / f"checkpoint-{best}"
    if not checkpoint.is_dir():
        return int(state.global_step)
    state.best_model_checkpoint = str(checkpoint)
    trainer.state = state
    trainer._load_best_model()
    return int(best)
