"""When training does harm: a run ends early, and says why."""

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import TrainerCallback

STOPPED = "stopped_early"
"""The row of a Trainer's log that has the reason."""
HELD_OUT = ("held_out/loss", "eval_loss")
"""The columns with the loss on held-out groups: of this project's trainer and of TRL's."""


class StopPastMargin(TrainerCallback):  # type: ignore[misc]
    """Ends a run whose lower-rated responses are far less likely than the margin asks for.

    Past the margin there is nothing to gain: what drives the likelihood on is the same step that
    spoils the model's language.
    """

    def __init__(self, limit: float | None) -> None:
        """`limit`: nats per token past the margin, in the mean; None: never."""
        self.limit = limit

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, float], **_: Any
    ) -> None:
        """Look at the row of metrics."""
        past = logs.get("nll/past_margin")
        if self.limit is None or past is None or past <= self.limit:
            return
        reason = (
            f"lower-rated responses are {past:.1f} nats a token less likely than the loss asks "
            f"for (method.stop_nll={self.limit:g})"
        )
        state.log_history.append({STOPPED: reason, "step": state.global_step})
        # Saved, or a run that is killed before its export would go on with training.
        control.should_training_stop = control.should_save = True


class StopOnHeldOut(TrainerCallback):  # type: ignore[misc]
    """Ends a run once the loss on held-out groups has not been below its least for a while.

    Where it is at its least a checkpoint is written, which the Trainer keeps.
    """

    def __init__(self, patience: int) -> None:
        """`patience`: measurements in a row that may be no better than the best before them."""
        self.patience = patience

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Measure where the run ends, too; have the loss of training logged beside it."""
        if state.global_step >= state.max_steps:
            control.should_evaluate = True
        # The run may end here, and with it what was not logged.
        control.should_log = control.should_log or control.should_evaluate

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look back at all measurements, those of a resumed run's checkpoint included."""
        rows = held_out_losses(state.log_history)
        best = min(range(len(rows)), key=lambda place: rows[place][1])
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
    """(step, loss on held-out groups) of every measurement in a Trainer's log."""
    return [(row["step"], row[name]) for row in log for name in HELD_OUT if name in row]


def stopped_early(log: Sequence[Mapping[str, Any]]) -> str | None:
    """Why a run ended early, from its log; None if it did not."""
    return next((str(row[STOPPED]) for row in log if STOPPED in row), None)
