"""Early stopping: callbacks that end a run once training does harm, and log the reason."""

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import TrainerCallback

STOPPED = "stopped_early"
"""Key of the reason in a Trainer's log."""
HELD_OUT = ("held_out/loss", "eval_loss")
"""Keys of the loss on held-out groups: the one of this project's trainer and the one of TRL."""


class StopPastMargin(TrainerCallback):  # type: ignore[misc]
    """Ends a run whose lower-rated responses are far less likely than the margin requires.

    Beyond the margin the contrastive loss has nothing left to gain. Likelihoods that keep falling
    there show that the steps damage the model's language.
    """

    def __init__(self, limit: float | None) -> None:
        """Take the limit on the mean number of nats per token past the margin; None: no limit."""
        self.limit = limit

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, float], **_: Any
    ) -> None:
        """Stop the run if the logged metric is above the limit."""
        past = logs.get("nll/past_margin")
        if self.limit is None or past is None or past <= self.limit:
            return
        reason = (
            f"lower-rated responses are {past:.1f} nats a token less likely than the loss asks "
            f"for (method.stop_nll={self.limit:g})"
        )
        state.log_history.append({STOPPED: reason, "step": state.global_step})
        # Save a checkpoint; otherwise a run killed before export resumes training.
        control.should_training_stop = control.should_save = True


class StopOnHeldOut(TrainerCallback):  # type: ignore[misc]
    """Ends a run once the loss on held-out groups has stopped falling.

    Each new lowest loss writes a checkpoint, which the Trainer keeps.
    """

    def __init__(self, patience: int) -> None:
        """Take the number of measurements in a row without a new lowest loss that end the run."""
        self.patience = patience

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Log the training loss beside that on held-out groups."""
        # The run may end after this measurement, and metrics not yet logged would be lost.
        control.should_log = control.should_log or control.should_evaluate

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Compare all measurements, including those in the checkpoint of a resumed run."""
        rows = held_out_losses(state.log_history)
        best = min(range(len(rows)), key=lambda index: rows[index][1])
        state.best_global_step, state.best_metric = rows[best]
        if best == len(rows) - 1:
            control.should_save = True
        if len(rows) - 1 - best < self.patience:
            return
        step, loss = rows[best]
        reason = (
            f"the loss on held-out groups has not been below the {loss:.4g} of step {step} in "
            f"{self.patience} measurements (method.patience)"
        )
        state.log_history.append({STOPPED: reason, "step": state.global_step})
        control.should_training_stop = control.should_save = True


def held_out_losses(log: Sequence[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """Return (step, loss on held-out groups) for every measurement in a Trainer's log."""
    return [(row["step"], row[name]) for row in log for name in HELD_OUT if name in row]


def stopped_early(log: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the reason from the log of a run that ended early; None if the run did not."""
    return next((str(row[STOPPED]) for row in log if STOPPED in row), None)
