"""A step of Stable Alignment beside the plain formulation of the paper, and beside TRL's DPO."""

import json
import os
import statistics
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ..measure import Costs, Goal, Measurement, Missing, Row, alternate

SECTION = "train"


def measurements(quick: bool) -> list[Row]:
    """Measure groups and tokens a second, and memory beside the model, in a process each."""
    if not Path("/proc/self/clear_refs").exists():
        return [Missing(SECTION, "examples and memory", "memory is measured on Linux only")]
    results: dict[str, list[dict[str, Any]]] = {way: [] for way in (*OWN, "plain")}
    rows: list[Row] = []
    if find_spec("trl"):
        results["dpo"] = []
    else:
        rows.append(Missing(SECTION, "beside TRL's DPOTrainer", "pip install trl"))
    steps = 1 if quick else 12
    ways = {way: partial(train, way, steps, kept) for way, kept in results.items()}
    costs = alternate(ways, 1 if quick else 5)
    for way, kept in results.items():
        groups, tokens = (statistics.median(r[x] / r["seconds"] for r in kept) for x in _UNITS)
        peak = statistics.median(r["bytes"] for r in kept) / 2**30
        rows += [
            Measurement(SECTION, f"{way}: groups", groups, "/s"),
            Measurement(SECTION, f"{way}: tokens", tokens, "/s"),
            Measurement(SECTION, f"{way}: memory above the model's own", peak, "GiB"),
        ]
    peaks = Costs({way: [r["bytes"] for r in kept] for way, kept in results.items()})
    a_token = Costs({w: [r["seconds"] / r["tokens"] for r in k] for w, k in results.items()})
    for way in OWN:
        less = peaks.ratio(way, "plain")
        rows += [
            Measurement(
                SECTION, f"{way}: throughput / plain", costs.ratio("plain", way), "x", Goal(1.5)
            ),
            Measurement(SECTION, f"{way}: memory / plain", less, "x", Goal(0.7, at_least=False)),
        ]
        if "dpo" in results:
            beside = a_token.ratio("dpo", way)
            rows.append(Measurement(SECTION, f"{way}: tokens/s / DPOTrainer", beside, "x", Goal(1)))
    return rows


OWN = ("stable_alignment", "checkpointed")
"""The defaults, and gradient checkpointing: one of these ways has to reach all goals."""
_UNITS = ("groups", "tokens")


def train(way: str, steps: int, kept: list[dict[str, Any]]) -> float:
    """Return the seconds of a group, measured in a new process; `kept` gets the result."""
    command = [sys.executable, "-m", f"{__package__}.train_way", way, str(steps)]
    # Freed memory goes back to the system, so that the peak does not include the heap's reserve.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": str(2**20)}
    process = subprocess.run(command, capture_output=True, text=True, env=environment)
    if process.returncode:
        raise UserError(f"bench: training by {way} failed: {process.stderr.strip()[-300:]}")
    kept.append(json.loads(process.stdout.splitlines()[-1]))
    return float(kept[-1]["seconds"] / kept[-1]["groups"])
