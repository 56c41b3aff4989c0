"""An interruption of a training."""

from typing import Any

from transformers import TrainerCallback


class StopAt(TrainerCallback):  # type: ignore[misc]
    """Ends the training after a step, as a power cut would."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt
