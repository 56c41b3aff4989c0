"""The stages of a run: their records, how far they have come, and what they cost."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from social_sandbox.policies.society.lock import HOLDER

from ....runtime.attempts import ATTEMPTS, duration, seconds_of_stage
from ....runtime.stage import RECORD
from ..lines import read_json
from ..records import StageState

Record = Mapping[str, Any]
State = Literal["complete", "interrupted", "running", "missing"]

STAGES = ("simulation", "data", "alignment", "evaluation", "safeguards", "benchmarks")
"""The stages with a record, in their order."""

_PRODUCTS = {
    "simulation": "interactions.jsonl",
    "data": "groups.jsonl",
    "alignment": "model",
    "evaluation": "results.json",
    "safeguards": "results.json",
    "benchmarks": "results.json",
}
_OPTIONAL = ("safeguards", "benchmarks")


def read_records(folder: Path) -> dict[str, Record]:
    """Return the records of the stages that were begun."""
    records = {name: read_json(folder / name / RECORD) for name in STAGES}
    return {name: record for name, record in records.items() if isinstance(record, Mapping)}


def stage_states(
    folder: Path, records: Mapping[str, Record], interactions: int
) -> list[StageState]:
    """Return how far each stage has come, the figures included.

    Args:
        folder: The folder of the run.
        records: The records of its stages.
        interactions: Number of interactions so far.
    """
    states = []
    for name in STAGES:
        record, product = records.get(name), (folder / name / _PRODUCTS[name]).exists()
        if record is None and not product and name in _OPTIONAL:
            continue
        note = ""
        if record is None:
            state: State = "complete" if product else "missing"
            note = "written by a script, without a record" if product else ""
        elif record.get("complete"):
            spent = seconds_of_stage(record)
            state, note = "complete", "" if spent is None else duration(spent)
        else:
            who = _holder(folder / name) or _holder(folder)
            state, note = ("running", who) if who else ("interrupted", "the same command goes on")
        if name == "simulation" and state not in ("complete", "missing"):
            wanted = wanted_interactions(record or {})
            note = f"{interactions}{f' of {wanted}' if wanted else ''} interactions; {note}"
        states.append(StageState(name, state, note))
    drawn = any((folder / "figures").glob("*.png")) if (folder / "figures").is_dir() else False
    states.append(StageState("figures", "complete" if drawn else "missing"))
    return states


def wanted_interactions(record: Record) -> int | None:
    """Return how many interactions the simulation with this record has in the end."""
    settings = record.get("settings") or {}
    env = settings.get("env") or {}
    with suppress(KeyError, TypeError):
        return int(settings["n_worlds"] * env["grid_size"] ** 2 * env["n_rounds"])
    return None


def attempts(records: Mapping[str, Record]) -> Iterator[Mapping[str, Any]]:
    """Yield who worked on the stages, stage by stage."""
    for record in records.values():
        yield from record.get(ATTEMPTS) or ()


def _holder(folder: Path) -> str:
    """Return which other process works in a folder; an empty text where none does."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        who = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        process, host = int(who["pid"]), str(who["host"])
        is_here = host == socket.gethostname()
        if process != os.getpid() and (not is_here or _lives(process)):
            return f"process {process} on {host} since {who['since']}"
    return ""


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
