"""What the checkpoints of a folder are of, so that no run goes on from those of another one."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ..data.groups import RatedGroup, group_rows
from ..runtime.stage import write_json
from .method import Method
from .weights.checkpoints import last_checkpoint

FILE = "made_with.json"

_HOW_LONG = ("max_steps", "max_tokens", "epochs", "save_steps", "logging_steps", "device")
"""Settings that a run may go on with when they have changed: how much is trained, and where."""


def training_inputs(model: Any, groups: Sequence[RatedGroup], method: Method) -> dict[str, Any]:
    """Return the method, its settings, and hashes of the data and of the kind of model."""
    settings = {
        name: value for name, value in asdict(method.config).items() if name not in _HOW_LONG
    }
    kind = type(method)
    # The hash of the JSON of a list of all groups, of which one at a time is in memory.
    content = hashlib.sha256(b"[")
    for number, row in enumerate(group_rows(groups)):
        content.update((", " if number else "").encode() + json.dumps(row, sort_keys=True).encode())
    content.update(b"]")
    inputs = {
        "method": f"{kind.__module__}.{kind.__qualname__}",
        **{f"method.{name}": value for name, value in settings.items()},
        "groups": content.hexdigest()[:16],
        "base_model": _model_hash(model),
    }
    return dict(json.loads(json.dumps(inputs, default=str)))


def check_inputs(folder: Path, inputs: dict[str, Any]) -> None:
    """Raise UserError if the folder has checkpoints or a reward model made with other inputs.

    Folders of earlier versions do not say what they were made with, and are gone on with.
    """
    path = folder / FILE
    there = last_checkpoint(folder / "checkpoints") or (folder / "reward_model").exists()
    if not there or not path.exists():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    differing = [name for name, value in inputs.items() if before.get(name, value) != value]
    if differing:
        raise UserError(
            f"output_dir: {folder} has checkpoints that were made with another "
            f"{', '.join(differing[:3])}; choose another folder, or resume=False to begin again"
        )


def write_inputs(folder: Path, inputs: dict[str, Any]) -> None:
    """Record what the checkpoints of a folder are made with."""
    write_json(folder / FILE, inputs)


def _model_hash(model: Any) -> str:
    """Return a hash of the model's name and of its parameters' names and shapes.

    The weights are left out: a run that was stopped has changed them in place.
    """
    shapes = [f"{name} {tuple(each.shape)}" for name, each in model.named_parameters()]
    named = [str(getattr(model.config, "_name_or_path", "")), *shapes]
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]
