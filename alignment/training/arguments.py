"""The arguments that a method hands to the trainer of transformers."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    TrainingArguments,
    get_scheduler,
)
from transformers.trainer_utils import SchedulerType

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.huggingface.shared_model import best_dtype

from .config import TrainingConfig


def training_arguments(
    config: TrainingConfig,
    folder: Path,
    progress: bool = True,
    kind: type[Any] = TrainingArguments,
    **own: Any,
) -> Any:
    """The Trainer's arguments; its checkpoints go to `folder`. Nothing is reported anywhere.

    Args:
        config: the shared settings.
        folder: where checkpoints go.
        progress: show the Trainer's progress bar.
        kind: TrainingArguments, or a class of TRL that inherits it.
        own: further arguments that the method sets.

    Raises UserError where `extra` has an argument that has a setting of its own or is unknown, and
    where the schedule lacks what it needs.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise UserError("method.device is cuda, but torch finds no GPU here")
    follows = config.schedule in (SchedulerType.REDUCE_ON_PLATEAU, SchedulerType.GREEDY)
    if follows and "eval_strategy" not in own:
        raise UserError(
            f"method.schedule={config.schedule} follows the loss on held-out groups, and there are "
            "none (method.held_out)"
        )
    gpu = torch.cuda.is_available() and config.device != "cpu"
    computes_bf16 = best_dtype(torch.device("cuda" if gpu else "cpu")) is torch.bfloat16
    own = {
        "output_dir": str(folder),
        "learning_rate": config.learning_rate,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.accumulation,
        # Below 1 it is the share of all steps.
        "warmup_steps": config.warmup_ratio,
        "lr_scheduler_type": config.schedule,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "seed": config.seed,
        "save_steps": config.save_steps,
        "logging_steps": config.logging_steps,
        "bf16": computes_bf16 if config.bf16 is None else config.bf16,
        "activation_checkpointing": config.gradient_checkpointing,
        "use_cpu": not gpu,
        "report_to": "none",
        "disable_tqdm": not progress,
        "remove_unused_columns": False,
        "include_num_input_tokens_seen": "non_padding",
        **own,
    }
    clash = sorted(own.keys() & config.extra.keys())
    if clash:
        raise UserError(f"method.extra.{clash[0]}: has a setting of its own or must not change")
    # The last checkpoint but one stays: the last may be half written when the power goes.
    defaults = {"save_total_limit": 2, "dataloader_pin_memory": gpu}
    try:
        made = kind(**own, **{**defaults, **config.extra})
    except (TypeError, ValueError) as error:
        raise UserError(f"method.extra: {str(error).splitlines()[0]}") from error
    # One process has one GPU: DataParallel, the Trainer's choice for several, copies a model in a
    # way that ours and TRL's forward passes do not survive. Several are for accelerate launch.
    if made.n_gpu > 1:
        made._n_gpu = 1
    _check_schedule(made)
    return made


def _check_schedule(args: Any) -> None:
    name = args.lr_scheduler_type
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=args.learning_rate)
    try:
        get_scheduler(name, optimizer, 1, 10, args.lr_scheduler_kwargs)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"method.schedule={name.value}: {error}; its arguments are set by "
            "'method.extra={lr_scheduler_kwargs: {NAME: VALUE}}'"
        ) from error
