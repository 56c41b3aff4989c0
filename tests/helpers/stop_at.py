"""A training that is cut off."""

from typing import Any

from transformers import TrainerCallback


class StopAt(TrainerCallback):  # type: ignore[misc]
    """Pulls the plug after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt
