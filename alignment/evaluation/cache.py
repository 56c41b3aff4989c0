"""Held-out results on disk, so that the base model of many runs is measured once."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..runtime.stage import write_json
from .held_out import HeldOutResults

FOLDER = "measured"
_RESULTS = TypeAdapter(HeldOutResults)


def measured_once(
    folder: Path,
    made_with: Mapping[str, Any],
    measure: Callable[[], HeldOutResults],
    part: str = "",
) -> HeldOutResults:
    """Return the results of a model, and measure the model if the folder has no results of it.

    Args:
        folder: Folder shared by all runs that measure the same models, such as those of a sweep.
        made_with: All that the results depend on: the model, the questions, the observer and so on.
        measure: Measures the model.
        part: Name of an inner folder, for results that are only a part of others.
    """
    key = json.dumps(made_with, sort_keys=True, default=str)
    path = folder / FOLDER / part / f"{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"
    if path.exists():
        try:
            return _RESULTS.validate_json(path.read_bytes())
        except ValidationError:
            # A file of an earlier version, or a damaged one, is replaced.
            pass
    results = measure()
    write_json(path, _RESULTS.dump_python(results, mode="json"))
    return results
