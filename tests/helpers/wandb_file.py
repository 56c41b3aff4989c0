"""A reader of the file of an offline wandb run: a LevelDB log of protobuf records.

wandb 0.31 has no reader in Python; the format is that of leveldb/doc/log_format.md, behind a
header of seven bytes.
"""

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

BLOCK = 32768
FULL, LAST = 1, 4


@dataclass
class OfflineRun:
    """The records of one attempt at a run."""

    id: str = ""
    began: float = 0.0
    project: str = ""
    group: str = ""
    job_type: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[Any] = field(default_factory=list)
    axes: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    exit_code: int | None = None
    preempting: bool = False


def offline_runs(folder: Path) -> list[OfflineRun]:
    """Return the attempts below an output folder, oldest first, after all of them have ended.

    wandb writes in a process of its own, which may be behind where the machine is busy.
    """
    deadline = time.monotonic() + 30
    while True:
        tries = [read(path) for path in folder.glob("wandb/offline-run-*/run-*.wandb")]
        if all(run.exit_code is not None for run in tries) or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return sorted(tries, key=lambda run: run.began)


def read(path: Path) -> OfflineRun:
    run = OfflineRun()
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run.id, run.project = record.run.run_id, record.run.project
            run.began = record.run.start_time.ToNanoseconds()
            run.group, run.job_type = record.run.run_group, record.run.job_type
            run.config = {u.key: json.loads(u.value_json) for u in record.run.config.update}
        elif kind == "history":
            run.rows.append(nested(record.history.item))
        elif kind == "artifact":
            run.artifacts.append(record.artifact)
        elif kind == "metric" and record.metric.glob_name:
            run.axes[record.metric.glob_name] = record.metric.step_metric
        elif kind == "environment":
            run.arguments += record.environment.args
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
        elif kind == "preempting":
            run.preempting = True
    return run


def nested(items: Any) -> dict[str, Any]:
    """Return a row; the parts of a table or a histogram have keys of two names."""
    row: dict[str, Any] = {}
    for item in items:
        name, *parts = item.nested_key or [item.key]
        value = json.loads(item.value_json)
        if parts:
            row.setdefault(name, {})[".".join(parts)] = value
        else:
            row[name] = value
    return row


def records(path: Path) -> Iterator[Any]:
    data = path.read_bytes()
    assert data[:4] in (b":W&B", b"")
    place, whole = 7, b""
    while place + 7 <= len(data):
        left = BLOCK - place % BLOCK
        if left < 7:
            place += left
            continue
        _, length, part = struct.unpack("<IHB", data[place : place + 7])
        if place + 7 + length > len(data):
            return  # still being written
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if part in (FULL, LAST):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            whole = b""
            yield record
