"""What models answered, kept: the base model of many points is one model."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..runtime.stage import write_json
from .held_out import Measured

FOLDER = "measured"
_MEASURED = TypeAdapter(Measured)


def measured_once(
    folder: Path, made_with: Mapping[str, Any], measure: Callable[[], Measured]
) -> Measured:
    """What is known of a model, measured now if nothing is.

    Args:
        folder: shared by all who measure the same models, such as the points of a sweep.
        made_with: all that the outcome depends on: the model, the questions, the observer, ...
        measure: does the work.
    """
    named = json.dumps(made_with, sort_keys=True, default=str)
    path = folder / FOLDER / f"{hashlib.sha256(named.encode()).hexdigest()[:12]}.json"
    if path.exists():
        try:
            return _MEASURED.validate_json(path.read_bytes())
        except ValidationError:
            pass  # of an earlier version, or damaged: it is only a shortcut
    result = measure()
    write_json(path, _MEASURED.dump_python(result, mode="json"))
    return result
