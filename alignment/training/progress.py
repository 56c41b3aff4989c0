"""The progress bar of a training run."""

from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from transformers import TrainerCallback


class TrainingProgress(TrainerCallback):  # type: ignore[misc]
    """Shows the step, the loss and its parts while the Trainer runs."""

    def __init__(self, console: Console) -> None:
        """Take the console that shows the progress bar."""
        self._bar = Progress(
            TextColumn("align"),
            BarColumn(12),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            TextColumn("{task.fields[metrics]}", markup=False),
            console=console,
        )

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the bar, at the current step if the run is resumed."""
        self._task = self._bar.add_task(
            "align", total=state.max_steps, completed=state.global_step, metrics=""
        )
        self._bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Advance the bar by a step."""
        self._bar.update(self._task, completed=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Show the newest loss."""
        if logs and "loss" in logs:
            metrics = f"loss {float(logs['loss']):.3f}"
            if "loss/contrast" in logs:
                metrics += f" = {logs['loss/sft']:.3f} + contrast {logs['loss/contrast']:.3f}"
            elif "rewards/accuracies" in logs:
                metrics += f", accuracy {logs['rewards/accuracies']:.2f}"
            elif "reward" in logs:
                metrics += f", reward {logs['reward']:.2f}"
            self._bar.update(self._task, metrics=metrics)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop the bar and leave its last state on the console."""
        self._bar.stop()
