"""The metrics of a training, sent to a wandb run while the model is trained."""

from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from ...runtime.stage import write_json
from .config import EarlierCycles
from .rows import training_row
from .run import RUN, Run, of_run


class WandbMetrics(TrainerCallback):  # type: ignore[misc]
    """Sends the trainer's log to a run, and records the run in each checkpoint.

    The Trainer's own wandb callback would flatten its whole config into the run's.

    Attributes:
        sent: Whether a row was sent.
    """

    def __init__(self, run: Run, earlier: EarlierCycles | None = None) -> None:
        """Create the callback; it sends nothing if `run` is None.

        Args:
            run: The wandb run, or None.
            earlier: Sums over the earlier cycles of this run, from which the step axes continue.
        """
        self.run, self.earlier = run, earlier or EarlierCycles()
        self.sent = False
        self.adapter, self.steps = "", 0

    def begin_adapter(self, name: str, steps: int) -> None:
        """Count the steps of an adapter after those of the adapters before it."""
        self.adapter, self.steps = name, steps

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Send one row of metrics."""
        if self.run is not None and logs:
            # A reward of one role alone has no value in the steps of the others.
            logs = {name: value for name, value in logs.items() if value is not None}
            if self.adapter and "loss" in logs:
                logs[f"{self.adapter}/loss"] = logs["loss"]
            self.run.log(training_row(logs, self.steps + state.global_step, self.earlier))
            self.sent = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write `wandb_run.json` into the checkpoint."""
        if self.run is not None:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            write_json(checkpoint / RUN, of_run(self.run))
