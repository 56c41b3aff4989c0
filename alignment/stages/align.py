"""The stage of training: a method aligns the base model, or fits an observer."""

import gc
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.policies.adapt import as_policy
from social_sandbox.policies.huggingface.shared_model import load

from ..data.groups import read_groups
from ..methods import method_name
from ..reporting import console as report
from ..reporting import data_report, wandb_rows
from ..reporting import wandb_run as tracking
from ..reporting.wandb_artifacts import models
from ..runtime.processes import is_first
from ..runtime.stage import Summary, Work, weights_hash, write_json
from ..training.lengths import measure_lengths
from ..training.method import Method, ObserverMethod
from ..training.progress import TrainingProgress
from .benchmark import during_training
from .context import input_hash, logged_once, read_json, staged
from .data import groups_file
from .identity import what_is_said
from .preflight import base_tokenizer, check_data
from .settings import Settings, build


def align_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Align the base model on the groups; writes `alignment/model`."""
    source = groups_file(settings, console, run)
    method = settings.method
    made_with: dict[str, Any] = {
        "method": {"name": method_name(method), **asdict(method)},
        "groups": input_hash(source, "groups"),
    }
    if not isinstance(method, Method):
        return _fit_observer(settings, method, source, made_with, console, run)
    made_with["base_model"] = settings.base_model
    weights = weights_hash(settings.base_model)
    if weights is not None:  # else a hub id, or the embedded model
        made_with["weights"] = weights
    if settings.chat_template is not None:
        made_with["chat_template"] = input_hash(settings.chat_template, "chat_template")
    if method.asks_observer:
        made_with["observer"] = what_is_said(settings.observer)
    metrics = wandb_rows.WandbMetrics(run, settings.before)

    def prepare() -> Work:
        groups = read_groups(source)
        checked = check_data(groups, settings, f"groups: {source}", _data_report(settings))
        tokenizer = base_tokenizer(settings)
        checked["lengths"] = measure_lengths(groups, tokenizer, method.max_length)
        if settings.groups is not None:
            data_report.print_report(console, checked)

        import torch
        from transformers import AutoModelForCausalLM

        from ..training.train import train

        # What is wrong with the data is said before a model is loaded.
        method.select(groups)
        base = settings.base_model
        # Frozen weights under LoRA stay as they are on disk.
        dtype: Any = torch.float32 if method.lora is None else "auto"
        model = load(AutoModelForCausalLM, base, "base_model", dtype=dtype)
        observer = None
        if method.asks_observer:
            observer = as_policy(build(settings.observer, "observer"))
        callbacks: list[Any] = [metrics]
        if settings.progress:
            callbacks.append(TrainingProgress(console))
        callbacks += during_training(settings, run)

        def work(folder: Path) -> Summary:
            write_json(folder / "data_report.json", checked)
            trained = train(
                model,
                tokenizer,
                groups,
                method,
                folder,
                callbacks,
                progress=False,
                observer=observer,
            )
            summary = asdict(trained)
            write_json(folder / "log.json", summary.pop("log"))
            return summary

        return work

    summary = staged(settings, console, "alignment", made_with, prepare)
    # A Trainer and its model refer to each other, and would stay in memory beside those that are
    # evaluated next, or trained at the next point of a sweep.
    gc.collect()
    # With the optimiser's state they are three times the model; the stage is complete.
    if is_first():
        shutil.rmtree(settings.output_dir / "alignment" / "checkpoints", ignore_errors=True)
    read = [("groups", source), *models([{"model": settings.base_model}])]
    with logged_once(settings, "alignment", run, read) as to:
        if not metrics.sent:
            wandb_rows.log_training(to, settings.output_dir / "alignment", settings.before)
    report.print_training(console, summary)
    return summary


def _fit_observer(
    settings: Settings,
    method: ObserverMethod,
    source: Path,
    made_with: Mapping[str, Any],
    console: Console,
    run: tracking.Run,
) -> Summary:
    """The stage of a method that trains an observer; writes `alignment/model`."""

    def prepare() -> Work:
        groups = read_groups(source)
        checked = check_data(groups, settings, f"groups: {source}", _data_report(settings))

        def work(folder: Path) -> Summary:
            write_json(folder / "data_report.json", checked)
            with console.status(f"{method_name(method)}: trained on {len(groups)} groups"):
                return method.fit(groups, folder)

        return work

    summary = staged(settings, console, "alignment", made_with, prepare)
    read = [("groups", source), *models([asdict(method)])]
    with logged_once(settings, "alignment", run, read) as to:
        wandb_rows.log_observer(to, summary)
    report.print_observer(console, summary, settings.output_dir / "alignment" / "model")
    return summary


def _data_report(settings: Settings) -> dict[str, Any] | None:
    """What the run's own data stage found; None where there is none."""
    found: dict[str, Any] | None = read_json(settings.output_dir / "data" / "report.json")
    return found
