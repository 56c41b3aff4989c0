"""Whether the contrast of a loss over groups still changes the model, and a warning if not."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from transformers import TrainerCallback

log = logging.getLogger(__name__)

INACTIVE = "contrast_inactive"
"""Key of the warning in a Trainer's log."""
LEAST = 0.2
"""Share of active hinges below which the contrast counts as inactive: the loss is then nearly that
of SFT on the best-rated responses."""


class WarnOfInactiveContrast(TrainerCallback):  # type: ignore[misc]
    """Warns once if the contrast is inactive in more than half of a run's steps.

    The warning comes as soon as it is certain, which is after half of the planned steps at the
    earliest, and is kept in the Trainer's log.
    """

    def __init__(self, remedy: str) -> None:
        """Take the part of the warning that names the cause and the setting to change."""
        self.remedy = remedy

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Compare the inactive steps with the planned ones."""
        self._check(state, state.max_steps)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Compare the inactive steps with those that were made: a run may end early."""
        self._check(state, state.global_step)

    def _check(self, state: Any, steps: int) -> None:
        if inactive_contrast(state.log_history) is not None:
            return
        inactive = sum(
            length for active, length in _active_hinges(state.log_history) if active < LEAST
        )
        if not steps or inactive <= steps / 2:
            return
        text = (
            f"the contrast was inactive in {inactive} of {state.global_step} steps, where training "
            f"imitated the best-rated responses and did little else: {self.remedy}"
        )
        state.log_history.append({INACTIVE: text, "step": state.global_step})
        if state.is_world_process_zero:
            log.warning(text)


def inactive_contrast(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the warning from the log of a run; None if there was none."""
    return next((str(row[INACTIVE]) for row in rows if INACTIVE in row), None)


def hinge_activity(rows: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the mean share of active hinges over the steps; None for a loss without a contrast."""
    parts = _active_hinges(rows)
    steps = sum(length for _, length in parts)
    return sum(active * length for active, length in parts) / steps if steps else None


def _active_hinges(rows: Iterable[Mapping[str, Any]]) -> list[tuple[float, int]]:
    """Return the share of active hinges of each row, and the number of steps it is about."""
    parts, before = [], 0
    for row in rows:
        if "hinge_active" in row:
            parts.append((row["hinge_active"], row["step"] - before))
            before = row["step"]
    return parts
