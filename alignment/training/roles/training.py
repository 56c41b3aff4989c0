"""The training of an adapter for each role, one after the other, on one base model in memory."""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from ...data.groups import RatedGroup
from ...runtime.processes import is_first
from ...runtime.stage import write_json
from ..config import TrainingConfig
from ..method import Method
from ..one_trainer import Options, TrainingSummary, train_one
from .adapters import export_adapter, without_adapters, write_model
from .config import ADAPTERS, answering

TRAINED = "trained.json"
"""The file with the summary of a complete adapter."""


def train_roles(
    model: Any,
    tokenizer: Any,
    parts: Mapping[str, Sequence[RatedGroup]],
    method: Method,
    folder: Path,
    options: Options,
) -> TrainingSummary:
    """Train an adapter on each part of the data, and write `adapters` and `model` to a folder.

    The adapters share `max_steps` and `max_tokens` evenly; `epochs` are those of each.

    Args:
        model: See `train`.
        tokenizer: See `train`.
        parts: The groups of each adapter.
        method: The method, with `method.roles`.
        folder: The folder of the run. Checkpoints of an adapter are in a folder of its name.
        options: How the run is made. A callback with a method `begin_adapter(name, steps)` is told
            which adapter comes next, and how many steps all before it had.

    Returns:
        The summary of all adapters together. Rows of the log count the steps of all adapters, and
        have the loss under `NAME/loss` as well.
    """
    config = method.config
    roles = config.roles or {}
    method = replace(method, config=replace(config, roles=None, **_shares(config, len(parts))))
    # Wrong data are reported before anything is trained.
    selections = {name: method.select(groups) for name, groups in parts.items()}
    summaries: dict[str, TrainingSummary] = {}
    for name, groups in parts.items():
        work = folder / "checkpoints" / name
        if not options.resume and is_first():
            shutil.rmtree(work, ignore_errors=True)
        steps = sum(each.steps for each in summaries.values())
        for callback in options.callbacks:
            if begin := getattr(callback, "begin_adapter", None):
                begin(name, steps)
        done = work / TRAINED
        if not done.exists():
            held: list[Any] = []
            summary = train_one(
                *(model, tokenizer, groups, method, work, options),
                selection=selections[name],
                write=partial(_write, held, folder / ADAPTERS / name),
            )
            model = held.pop()
            if is_first():
                write_json(done, asdict(summary))
            summaries[name] = summary
        else:
            summaries[name] = _read(done)
    if is_first():
        first = answering(roles)
        write_model(model, tokenizer, folder / ADAPTERS / first, folder)
    return _together(summaries)


def _write(held: list[Any], adapter: Path, trainer: Any, folder: Path) -> None:
    """Write the adapter of a Trainer, and keep its base model for the next one."""
    export_adapter(trainer, adapter)
    held.append(without_adapters(trainer.accelerator.unwrap_model(trainer.model)))


def _shares(config: TrainingConfig, count: int) -> dict[str, Any]:
    """Return the steps and tokens of each adapter, where they are limited."""
    shares: dict[str, Any] = {}
    if config.max_steps > 0:
        shares["max_steps"] = math.ceil(config.max_steps / count)
    if config.max_tokens is not None:
        shares["max_tokens"] = math.ceil(config.max_tokens / count)
    return shares


def _read(path: Path) -> TrainingSummary:
    values = json.loads(path.read_text(encoding="utf-8"))
    known = {each.name for each in fields(TrainingSummary)}
    values = {name: value for name, value in values.items() if name in known}
    return TrainingSummary(**{**values, "log": tuple(values["log"])})


def _together(summaries: Mapping[str, TrainingSummary]) -> TrainingSummary:
    """Return one summary of the trainings of several adapters."""
    each = list(summaries.values())
    log: list[dict[str, float]] = []
    steps = 0
    for name, summary in summaries.items():
        for row in summary.log:
            own = {f"{name}/loss": row["loss"]} if "loss" in row else {}
            log.append({**row, **own, "step": row["step"] + steps})
        steps += summary.steps
    active = [one.hinge_active for one in each if one.hinge_active is not None]
    by_name = summaries.items()
    stopped = [f"{name}: {one.stopped_early}" for name, one in by_name if one.stopped_early]
    weak = [f"{name}: {one.contrast_inactive}" for name, one in by_name if one.contrast_inactive]
    return TrainingSummary(
        loss_start=sum(one.loss_start for one in each) / len(each),
        loss_end=sum(one.loss_end for one in each) / len(each),
        steps=steps,
        seconds=sum(one.seconds for one in each),
        tokens=sum(one.tokens for one in each),
        peak_bytes=max(one.peak_bytes for one in each),
        examples=sum(one.examples for one in each),
        groups=sum(one.groups for one in each),
        dropped_groups=sum(one.dropped_groups for one in each),
        masked_candidates=sum(one.masked_candidates for one in each),
        stopped_early="; ".join(stopped) or None,
        hinge_active=sum(active) / len(active) if active else None,
        contrast_inactive="; ".join(weak) or None,
        exported_step=sum(one.exported_step for one in each),
        log=tuple(log),
    )
