"""A training run with one trainer, from rated groups to an aligned model in a folder."""

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, TrainerCallback, TrainerState, set_seed

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.policy import Policy

from ..data.groups import RatedGroup, trainable
from ..runtime.peak_memory import peak_bytes, reset_peak
from ..runtime.processes import is_first
from .arguments import training_arguments
from .config import TrainingConfig
from .early_stopping import STOPPED, stopped_early
from .loss.contrast import INACTIVE, hinge_activity, inactive_contrast
from .made_with import check_inputs, training_inputs, write_inputs
from .method import Job, Method, Selection, Society
from .roles.adapters import export_roles
from .roles.config import answering
from .schedule import fit_schedule
from .weights.checkpoints import (
    Stopwatch,
    check_processes,
    last_checkpoint,
    load_best,
    seconds_before,
)
from .weights.export import export, load_finished, sum_gradients_exactly
from .weights.lora import lora_config
from .weights.model_checks import check_trainable


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """The result of a training run, including the earlier parts of a resumed run."""

    loss_start: float
    """Mean loss over the first tenth of the steps, at the resolution of `logging_steps`."""
    loss_end: float
    """Mean loss over the last tenth of the steps, likewise."""
    steps: int
    seconds: float
    """Run time of all parts, each counted up to the checkpoint from which the next part resumed."""
    tokens: int
    """Number of tokens read, including prompts and excluding padding."""
    peak_bytes: int
    """Peak memory in bytes, including the model: of the GPU, or of this process without a GPU."""
    examples: int
    """Number of groups, pairs or responses that the method trains on."""
    groups: int
    """Number of groups that the examples come from."""
    dropped_groups: int
    """Number of groups from which the method takes no example."""
    masked_candidates: int
    """Number of candidates in the used groups that are invalid, unrated or blank."""
    stopped_early: str | None
    """Reason why early stopping ended the run; None if the run was not stopped."""
    hinge_active: float | None
    """Mean share of hinges above zero over the steps; None for a method without a contrast."""
    contrast_inactive: str | None
    """The warning that the contrast was inactive for most of the run; None if there was none."""
    exported_step: int
    """The step whose weights were exported: the one with the lowest loss on held-out groups, or the
    last step without held-out groups."""
    log: tuple[dict[str, float], ...]
    """One row of metrics every `logging_steps` steps, and one for each measurement of held-out
    groups."""


@dataclass(frozen=True)
class Options:
    """What a training run is given besides its model, data and method; see `train`.

    Attributes:
        callbacks: Callbacks of transformers.
        resume: Whether to resume from the newest complete checkpoint.
        progress: Whether to show the Trainer's progress bar.
        observer: The policy that rates answers during training.
        society: The society around the model.
    """

    callbacks: Sequence[Any] = ()
    resume: bool = True
    progress: bool = True
    observer: Policy | None = None
    society: Society | None = None


def train_one(
    model: Any,
    tokenizer: Any,
    groups: Sequence[RatedGroup],
    method: Method,
    folder: Path,
    options: Options,
    selection: Selection | None = None,
    write: Callable[[Any, Path], None] | None = None,
) -> TrainingSummary:
    """Align a model with one trainer, and write what it has trained.

    Args:
        model: The model, trained in place.
        tokenizer: The tokenizer of the model.
        groups: The rated groups.
        method: The method of alignment.
        folder: The folder for checkpoints and results.
        options: How the run is made.
        selection: The value of `method.select(groups)`, if the caller has already computed it.
        write: Writes the result of a Trainer into a folder; default: the model and its adapters.

    Returns:
        The summary of the run.

    Raises:
        UserError: See `train`.
    """
    config = method.config
    start = time.monotonic()
    reset_peak()
    method.check_installed()
    selection = method.select(groups) if selection is None else selection
    checkpoints = folder / "checkpoints"
    check_trainable(model, tokenizer, selection.groups, config)
    inputs = training_inputs(model, groups, method)
    if options.resume:
        check_inputs(folder, inputs)
        start -= seconds_before(checkpoints)
    elif is_first():
        shutil.rmtree(checkpoints, ignore_errors=True)
        shutil.rmtree(folder / "reward_model", ignore_errors=True)
    job = Job(
        model=model,
        tokenizer=tokenizer,
        examples=selection.examples,
        arguments=partial(training_arguments, config, checkpoints, options.progress),
        callbacks=options.callbacks,
        folder=folder,
        peft_config=lora_config(config.lora, model),
        observer=options.observer,
        society=options.society,
        rating_scale=groups[0].rating_scale,
    )
    if config.lora is None:
        for parameter in model.parameters():
            parameter.data = parameter.data.float()
    # New adapters are initialised at random.
    set_seed(config.seed)
    write_inputs(folder, inputs)
    trainer = method.make_trainer(job)
    state = run_trainer(trainer, config, start)
    exported_step = load_best(trainer, state)
    if write is not None:
        write(trainer, folder)
    elif config.roles is not None:
        export_roles(trainer, folder, answering(config.roles))
    else:
        export(trainer, folder)
    # Leave out the Trainer's summary and rows of text: they are not metrics.
    others = {"train_loss", STOPPED, INACTIVE}
    # A reward of one role alone has no value in the steps of the others.
    log = tuple(
        {name: value for name, value in row.items() if value is not None}
        for row in state.log_history
        if not row.keys() & others
    )
    return TrainingSummary(
        loss_start=_mean_loss(log, 0, state.global_step / 10),
        loss_end=_mean_loss(log, state.global_step * 0.9, state.global_step),
        steps=state.global_step,
        seconds=time.monotonic() - start,
        tokens=int(state.num_input_tokens_seen),
        peak_bytes=peak_bytes(trainer.args.device.type),
        examples=len(selection.examples),
        groups=len(selection.groups),
        dropped_groups=len(groups) - len(selection.groups),
        masked_candidates=sum(
            not trainable(c) for group in selection.groups for c in group.candidates
        ),
        stopped_early=stopped_early(state.log_history),
        hinge_active=hinge_activity(log),
        contrast_inactive=inactive_contrast(state.log_history),
        exported_step=exported_step,
        log=log,
    )


def run_trainer(trainer: Any, config: TrainingConfig, start: float | None = None) -> TrainerState:
    """Train to the end, resuming from the newest complete checkpoint if there is one.

    Args:
        trainer: A transformers.Trainer that is ready to train.
        config: Settings that all methods share.
        start: Time by `time.monotonic` from which checkpoints count seconds; None: now.

    Returns:
        The state of the Trainer after its last step.

    Raises:
        UserError: The data are too few for one step, or the checkpoint is of another number of
            processes.
    """
    sum_gradients_exactly(trainer)
    # Without a progress bar the Trainer prints every row of metrics.
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_Ending(config.max_tokens))
    trainer.add_callback(Stopwatch(time.monotonic() if start is None else start))
    if config.max_tokens is not None:
        fit_schedule(trainer, config.max_tokens)
    # The first process may still be removing old checkpoints.
    trainer.accelerator.wait_for_everyone()
    last = last_checkpoint(Path(trainer.args.output_dir))
    if last is None:
        trainer.train()
        if not trainer.state.global_step:
            raise UserError("method: there are too few data for one step; lower method.batch_size")
        return trainer.state
    state = TrainerState.load_from_json(str(last / "trainer_state.json"))
    check_processes(state, trainer.args.world_size)
    tokens_spent = (
        config.max_tokens is not None and state.num_input_tokens_seen >= config.max_tokens
    )
    stopped = stopped_early(state.log_history) is not None
    if state.global_step < state.max_steps and not (tokens_spent or stopped):
        trainer.train(resume_from_checkpoint=str(last))
    else:
        # The run was killed between its last step and the export; train() would add a step.
        load_finished(trainer, last)
        trainer.state = state
    return trainer.state


class _Ending(TrainerCallback):  # type: ignore[misc]
    """Ends a run when its tokens are spent, and logs and measures the last step."""

    def __init__(self, max_tokens: int | None) -> None:
        self.max_tokens = math.inf if max_tokens is None else max_tokens

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        spent = state.num_input_tokens_seen >= self.max_tokens
        if spent:
            # Save a checkpoint; otherwise a run killed before export resumes training.
            control.should_training_stop = control.should_save = True
        if spent or state.global_step >= state.max_steps:
            control.should_log = True
            control.should_evaluate = args.eval_strategy != "no"


def _mean_loss(log: Sequence[Mapping[str, float]], after: float, until: float) -> float:
    """Return the mean loss over the logged rows that cover steps in (after, until]."""
    total = steps = before = 0.0
    for row in log:
        if "loss" not in row:
            continue
        step = row["step"]
        if step > after and before < until:
            total += row["loss"] * (step - before)
            steps += step - before
        before = step
    return total / steps if steps else float("nan")
