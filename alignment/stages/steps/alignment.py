"""The stage of training: a method aligns the base model, or fits an observer."""

import gc
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from social_sandbox.policies.adapt import as_policy

from ...data.validation import Report
from ...methods import method_name
from ...reporting import console as report
from ...reporting import data_report
from ...reporting.tracking import rows as wandb_rows
from ...reporting.tracking.artifacts import models
from ...runtime.processes import is_first
from ...runtime.recipes import recorded_recipe
from ...runtime.stage import Summary, Work, write_json
from ...training.batches.lengths import measure_lengths
from ...training.method import Method
from ...training.roles.config import ADAPTERS
from ..context import Context
from ..data_checks import check_data
from ..identity import model_hash
from ..inputs import base_tokenizer, input_hash, read_json
from ..preflight import benchmarks_during_training, check_base_model, preflight
from ..settings import Settings, build
from ..society.training import make_society, recorded_society, role_speakers
from .training_data import TrainingData, training_data

Log = Sequence[Mapping[str, float]]
"""The rows of metrics of a training run."""


@dataclass(frozen=True)
class Alignment:
    """What a method trained.

    Attributes:
        folder: The folder of the stage, with `model` in it.
        method: Name of the method.
        summary: What the training came to.
        made: The rows of metrics, where this process trained the model.
    """

    folder: Path
    method: str
    summary: Summary
    made: Log | None = None

    @property
    def model(self) -> Path:
        """The folder of the aligned model."""
        return self.folder / "model"

    @cached_property
    def log(self) -> Log:
        """The rows of metrics; read from the file unless this process trained the model."""
        return (read_json(self.folder / "log.json") or []) if self.made is None else self.made


def align(context: Context, data: TrainingData | None = None) -> Alignment:
    """Align the base model on rated groups; writes `alignment/model`.

    Args:
        context: The context of the run.
        data: The groups; None: those of `training_data`.

    Raises:
        UserError: The data, the base model or a setting of the method is wrong.
    """
    if data is None:
        # The data stage may have to search a lot of data for leaks.
        preflight(context, ["alignment"])
        data = training_data(context)
    settings = context.settings
    method = settings.method
    made_with: dict[str, Any] = {
        "method": {"name": method_name(type(method)), **_recorded(method)},
        "groups": input_hash(data.path, "groups"),
        "base_model": settings.base_model,
    }
    weights = model_hash(settings.base_model)
    if weights is not None:  # else a hub id, or the embedded model
        made_with["weights"] = weights
    if settings.chat_template is not None:
        made_with["chat_template"] = input_hash(settings.chat_template, "chat_template")
    if method.asks_observer:
        made_with["observer"] = recorded_recipe(settings.observer)
    if method.plays_society:
        made_with["society"] = recorded_society(settings)
    elif any(role.is_placed for role in (method.config.roles or {}).values()):
        made_with["worlds"] = {"seed": settings.seed, "grid_size": settings.env.grid_size}
    from ...reporting.tracking.metrics import WandbMetrics

    metrics = WandbMetrics(context.wandb_run, context.earlier)

    def prepare() -> Work[Log]:
        method.check_installed()
        check_base_model(settings)
        tokenizer = base_tokenizer(settings)
        checked = _checked(data, settings)
        if not isinstance(checked.get("lengths"), dict):
            checked["lengths"] = measure_lengths(data.groups, tokenizer, method.config.max_length)
        if settings.groups is not None:
            data_report.print_report(context.console, checked)

        import torch

        from social_sandbox.policies.huggingface.shared_model import load_model

        from ...methods.offline import split_held_out
        from ...training.roles.data import groups_of_roles
        from ...training.train import train

        # An error in the data is reported before the model is loaded.
        parts = selection = None
        if method.config.roles is not None and not method.trains_roles:
            parts = groups_of_roles(data.groups, method.config.roles, role_speakers(settings))
            for groups in parts.values():
                method.select(groups)
        else:
            selection = method.select(data.groups)
        if share := getattr(method.config, "held_out", 0.0):
            split_held_out(data.groups, lambda group: group, share, method.config.seed)
        # Weights that LoRA freezes keep the type in which they are stored.
        dtype: Any = torch.float32 if method.config.lora is None else "auto"
        model = load_model(settings.base_model, "base_model", dtype=dtype, trained=True)
        observer = None
        if method.asks_observer:
            observer = as_policy(build(settings.observer, "observer"))
        society = make_society(settings) if method.plays_society else None
        callbacks: list[Any] = [metrics]
        if settings.progress:
            from ...training.progress import TrainingProgress

            callbacks.append(TrainingProgress(context.console))
        callbacks += _benchmarks_during_training(context)

        def work(folder: Path) -> tuple[Summary, Log]:
            write_json(folder / "data_report.json", checked)
            trained = train(
                model,
                tokenizer,
                data.groups,
                method,
                folder,
                callbacks,
                progress=False,
                observer=observer,
                society=society,
                selection=selection,
                parts=parts,
            )
            summary = asdict(trained)
            log = summary.pop("log")
            write_json(folder / "log.json", log)
            return summary, log

        return work

    summary, log = context.run_stage("alignment", made_with, prepare)
    folder = context.stage_folder("alignment")
    # A Trainer and its model refer to each other. Without a collection they would occupy memory
    # during the evaluation and at the next point of a sweep.
    gc.collect()
    # A complete stage needs no checkpoints, which are three times as large as the model.
    if is_first():
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    sources = [("groups", data.path), *models([{"model": settings.base_model}])]
    with context.logged_once("alignment", sources) as run:
        if not metrics.sent:
            wandb_rows.log_training(run, folder, context.earlier)
    alignment = Alignment(folder, method_name(type(method)), summary, log)
    report.print_training(context.console, summary, alignment.log)
    for name in method.config.adapters:
        adapter = folder / ADAPTERS / name
        context.console.print(f"  {adapter}", soft_wrap=True, highlight=False)
    return alignment


def measured_model(context: Context, alignment: Alignment | None = None) -> str:
    """Return the model to measure: `evaluate.model`, or the model that the run aligned.

    Returns:
        A path, a hub id, `smollm2`, or `policy`.

    Raises:
        UserError: The run has not aligned a model.
    """
    from social_sandbox.policies.huggingface.smollm2 import model_name

    settings = context.settings
    if settings.evaluate.model is not None:
        return model_name(settings.evaluate.model)
    if alignment is not None:
        return str(alignment.model)
    context.output_of("alignment", "model/config.json", "align")
    return str(context.stage_folder("alignment") / "model")


def _benchmarks_during_training(context: Context) -> list[Any]:
    """Return the callback that measures `evaluate.during`; an empty list where nothing is named.

    Raises:
        UserError: A benchmark is not scored by likelihood, or has no data.
    """
    config = context.settings.evaluate
    if not config.during:
        return []
    from ...evaluation.benchmarks.callback import BenchmarkCallback
    from ...evaluation.benchmarks.loading.loaders import load_items

    items = [
        (benchmark, load_items(benchmark, config.data_dir, config.limit, config.seed))
        for benchmark in benchmarks_during_training(config)
    ]
    folder = context.stage_folder("alignment")
    return [
        BenchmarkCallback(
            items,
            config.during_steps,
            partial(wandb_rows.log_during, context.wandb_run, folder, context.earlier),
            apply_chat_template=config.apply_chat_template,
            seed=config.seed,
        )
    ]


def _recorded(method: Method) -> dict[str, Any]:
    """Return the settings of a method; folders of earlier versions record no roles."""
    settings = asdict(method.config)
    if settings["roles"] is None:
        del settings["roles"]
    return settings


def _checked(data: TrainingData, settings: Settings) -> Report:
    """Return the report on the data, which is checked unless this has been done by this process."""
    if data.is_checked and data.report is not None:
        return {name: value for name, value in data.report.items() if name != "sources"}
    return check_data(data.groups, settings, f"groups: {data.path}", data.report)
