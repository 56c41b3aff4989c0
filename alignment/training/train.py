"""A training run: from rated groups to an aligned model in a folder."""

import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader
from transformers import (
    PrinterCallback,
    TrainerCallback,
    TrainerState,
    set_seed,
)

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.policy import Policy

from ..data.groups import RatedGroup, trainable
from ..runtime.peak_memory import peak_bytes, reset_peak
from ..runtime.processes import is_first
from .arguments import training_arguments
from .checkpoints import Stopwatch, check_processes, last_checkpoint, load_best, seconds_before
from .config import LoraConfig, TrainingConfig
from .early_stopping import STOPPED, stopped_early
from .method import Job, Method, Selection, import_peft


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """What came of a training run, earlier parts of a resumed run included."""

    loss_start: float
    """Mean over the first tenth of the steps, as finely as `logging_steps` allows."""
    loss_end: float
    """Mean over the last tenth of the steps, likewise."""
    steps: int
    seconds: float
    """Of all calls, but for what came after the checkpoint that a later one went on from."""
    tokens: int
    """Tokens read, prompts included and padding not."""
    peak_bytes: int
    """The most memory in use, the model's own included: of the GPU, else of this process."""
    examples: int
    """Groups, pairs or responses that the method trains on."""
    groups: int
    """Groups that they come from."""
    dropped_groups: int
    """Groups that the method has no use for."""
    masked_candidates: int
    """Candidates of the used groups that cannot be trained on: invalid, unrated or blank."""
    stopped_early: str | None
    """Why training ended before its last step: it did harm; null if it did not."""
    exported_step: int
    """The step whose weights were exported: the best on held-out groups where some are, else the
    last."""
    log: tuple[dict[str, float], ...]
    """One row of metrics every `logging_steps` steps, and one a measurement of held-out groups."""


def train(
    model: Any,
    tokenizer: Any,
    groups: Sequence[RatedGroup],
    method: Method,
    output_dir: str | Path,
    callbacks: Sequence[Any] = (),
    resume: bool = True,
    progress: bool = True,
    observer: Policy | None = None,
    selection: Selection | None = None,
) -> TrainingSummary:
    """Align a model on rated groups by a method; the model is written to `output_dir`/model.

    With `method.lora` the adapters are in `output_dir`/adapter, and `model` is the base model with
    them merged into it, in float32.

    Args:
        model: a causal language model, trained in place. What is trained of it is turned into
            float32: in bfloat16 a step of 2e-5 rounds to nothing.
        tokenizer: the model's.
        groups: the data; what the method cannot use of it is left out and counted.
        method: how.
        output_dir: has `checkpoints` and, once the run is complete, `model`.
        callbacks: of transformers; they see every row of metrics.
        resume: go on from the last whole checkpoint there is. The caller vouches that it was
            made with the same model, groups and settings.
        progress: show the Trainer's progress bar.
        observer: who rates in training; only for a method that `asks_observer`.
        selection: what `method.select` returned for these groups, where it has been called before.

    Raises:
        UserError: there is nothing to train on, or a setting makes no sense.
    """
    config = method.config
    # Accelerate's own sign. The merged model would have to be gathered first.
    if config.lora is not None and os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true":
        raise UserError("method.lora: adapters are not supported with sharded weights (FSDP)")
    began = time.monotonic()
    reset_peak()
    method.check_installed()
    selection = method.select(groups) if selection is None else selection
    folder = Path(output_dir)
    checkpoints = folder / "checkpoints"
    if resume:
        began -= seconds_before(checkpoints)
    elif is_first():
        shutil.rmtree(checkpoints, ignore_errors=True)
    job = Job(
        model=model,
        tokenizer=tokenizer,
        examples=selection.examples,
        arguments=partial(training_arguments, config, checkpoints, progress),
        callbacks=callbacks,
        folder=folder,
        peft_config=_peft_config(config.lora, model),
        observer=observer,
        rating_scale=groups[0].rating_scale,
    )
    if config.lora is None:
        for parameter in model.parameters():
            parameter.data = parameter.data.float()
    # New adapters are drawn from it.
    set_seed(config.seed)
    trainer = method.make_trainer(job)
    state = run_trainer(trainer, config, began)
    exported_step = load_best(trainer, state)
    export(trainer, folder)
    # Without the Trainer's last words and the reason for an early end, which are no measurements.
    log = tuple(row for row in state.log_history if not row.keys() & {"train_loss", STOPPED})
    return TrainingSummary(
        loss_start=_mean_loss(log, 0, state.global_step / 10),
        loss_end=_mean_loss(log, state.global_step * 0.9, state.global_step),
        steps=state.global_step,
        seconds=time.monotonic() - began,
        tokens=int(state.num_input_tokens_seen),
        peak_bytes=peak_bytes(trainer.args.device.type),
        examples=len(selection.examples),
        groups=len(selection.groups),
        dropped_groups=len(groups) - len(selection.groups),
        masked_candidates=sum(
            not trainable(c) for group in selection.groups for c in group.candidates
        ),
        stopped_early=stopped_early(state.log_history),
        exported_step=exported_step,
        log=log,
    )


def run_trainer(trainer: Any, config: TrainingConfig, began: float | None = None) -> TrainerState:
    """Train to the end, going on from the last whole checkpoint; returns how far it came.

    `began`: since when the seconds count that checkpoints tell, by time.monotonic; None: now.
    """
    # Without a progress bar the Trainer would print every row of metrics instead.
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_Ending(config.max_tokens))
    trainer.add_callback(Stopwatch(time.monotonic() if began is None else began))
    if config.max_tokens is not None:
        _fit_schedule(trainer, config.max_tokens)
    # The first process may still be removing old ones.
    trainer.accelerator.wait_for_everyone()
    last = last_checkpoint(Path(trainer.args.output_dir))
    if last is None:
        trainer.train()
        if not trainer.state.global_step:
            raise UserError("method: the data are too few for one step; lower method.batch_size")
        return trainer.state
    state = TrainerState.load_from_json(str(last / "trainer_state.json"))
    check_processes(state, trainer.args.world_size)
    spent = config.max_tokens is not None and state.num_input_tokens_seen >= config.max_tokens
    harmed = stopped_early(state.log_history) is not None
    if state.global_step < state.max_steps and not (spent or harmed):
        trainer.train(resume_from_checkpoint=str(last))
    else:
        # Stopped between the last step and the export. train() would do one step too many.
        trainer._load_from_checkpoint(str(last))
        trainer.state = state
    return trainer.state


class _Ending(TrainerCallback):  # type: ignore[misc]
    """Ends a run when its tokens are spent, and has the last step logged."""

    def __init__(self, max_tokens: int | None) -> None:
        self.max_tokens = math.inf if max_tokens is None else max_tokens

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        spent = state.num_input_tokens_seen >= self.max_tokens
        if spent:
            # Saved, or a run that is killed before its export would go on with training.
            control.should_training_stop = control.should_save = True
            control.should_evaluate = args.eval_strategy != "no"
        if spent or state.global_step >= state.max_steps:
            control.should_log = True


def _fit_schedule(trainer: Any, max_tokens: int, batches: int = 256) -> None:
    """Have the learning rate end where the tokens do, as far as that can be foreseen.

    The steps that the tokens are enough for follow from `batches` of the first epoch, evenly far
    apart. A run that generates what it learns from has none to look at: there the steps stay as
    set.
    """
    args = trainer.args
    size = args.per_device_train_batch_size
    # The order may be drawn from torch's own state.
    with torch.random.fork_rng(devices=[]):
        epoch = list(BatchSampler(trainer._get_train_sampler(), size, drop_last=False))
        some = epoch[:: math.ceil(len(epoch) / batches)]
        ahead = DataLoader(
            trainer.train_dataset, batch_sampler=some, collate_fn=trainer.data_collator
        )
        masks = [batch["attention_mask"] for batch in ahead if "attention_mask" in batch]
    if not masks:
        return
    read = np.cumsum([0, *(int(mask.sum()) for mask in masks)]) * (len(epoch) / len(some))
    whole, rest = divmod(max_tokens, read[-1])
    epochs = whole + np.interp(rest, read, np.linspace(0, 1, len(read)))
    # The last step of an epoch may have fewer batches than the others.
    per_epoch = math.ceil(len(epoch) / (args.gradient_accumulation_steps * args.world_size))
    # A little more than foreseen: what ends the run is the count of what was read.
    enough = math.ceil(1.02 * epochs * per_epoch) + 1
    planned = args.max_steps
    if planned < 0:
        planned = math.ceil(per_epoch * args.num_train_epochs)
    args.max_steps = min(planned, enough)


def _peft_config(lora: LoraConfig | None, model: Any) -> Any:
    if lora is None:
        return None
    peft = import_peft()
    if not isinstance(lora.target_modules, str):
        names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
        for target in lora.target_modules:
            if target.rpartition(".")[2] not in names:
                raise UserError(f"method.lora.target_modules: the model has no module {target!r}")
    return peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        task_type="CAUSAL_LM",
    )


def export(trainer: Any, folder: Path) -> None:
    """Write the trained model to `folder`/model; under LoRA the adapters to `folder`/adapter."""
    partial, final = folder / "model.partial", folder / "model"
    if trainer.args.should_save:
        shutil.rmtree(partial, ignore_errors=True)
    if hasattr(trainer.model, "merge_and_unload"):
        adapter = folder / "adapter"
        trainer.save_model(str(adapter))
        (adapter / "training_args.bin").unlink(missing_ok=True)
        # In bfloat16 the merging would round most of what was learnt away.
        merged = trainer.model.float().merge_and_unload()
        if trainer.args.should_save:
            merged.save_pretrained(partial)
            trainer.processing_class.save_pretrained(partial)
    else:
        trainer.save_model(str(partial))
    if trainer.args.should_save:
        # A pickle of the arguments: nobody who is given a model should have to trust one.
        (partial / "training_args.bin").unlink(missing_ok=True)
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    # Others may read it next.
    trainer.accelerator.wait_for_everyone()


def _mean_loss(log: Sequence[Mapping[str, float]], after: float, until: float) -> float:
    """The mean over the rows that tell of steps in (after, until]."""
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
