"""The arguments that a method passes to the Trainer of transformers."""

from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments, get_scheduler
from transformers.trainer_utils import SchedulerType

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.huggingface.shared_model import best_dtype

from .config import TrainingConfig


def training_arguments(
    config: TrainingConfig,
    folder: Path,
    progress: bool = True,
    kind: type[Any] = TrainingArguments,
    **method_arguments: Any,
) -> Any:
    """Return the Trainer's arguments for the settings that all methods share.

    The Trainer reports to no external service.

    Args:
        config: Settings that all methods share.
        folder: Folder for checkpoints.
        progress: Whether to show the Trainer's progress bar.
        kind: TrainingArguments, or a class of TRL that inherits it.
        method_arguments: Further arguments that the method sets; they override the shared ones.

    Returns:
        An instance of `kind`.

    Raises:
        UserError: `config.device` is cuda and there is no GPU; `config.extra` sets an argument
            that is unknown or belongs to another setting; or the schedule needs held-out groups
            or arguments that are not given.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise UserError("method.device is cuda, but torch finds no GPU on this machine")
    needs_held_out = config.schedule in (SchedulerType.REDUCE_ON_PLATEAU, SchedulerType.GREEDY)
    if needs_held_out and "eval_strategy" not in method_arguments:
        raise UserError(
            f"method.schedule={config.schedule} follows the loss on held-out groups; set "
            "method.held_out to hold some out"
        )
    gpu = torch.cuda.is_available() and config.device != "cpu"
    computes_bf16 = best_dtype(torch.device("cuda" if gpu else "cpu")) is torch.bfloat16
    arguments = {
        "output_dir": str(folder),
        "learning_rate": config.learning_rate,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.accumulation,
        # The Trainer reads a value below 1 as a share of all steps.
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
        **method_arguments,
    }
    reserved = sorted(arguments.keys() & config.extra.keys())
    if reserved:
        raise UserError(
            f"method.extra.{reserved[0]}: this argument is fixed or has its own setting"
        )
    # Keep the last two checkpoints: the last one may be incomplete after a power failure.
    defaults = {"save_total_limit": 2, "dataloader_pin_memory": gpu}
    try:
        training_args = kind(**arguments, **{**defaults, **config.extra})
    except (TypeError, ValueError) as error:
        raise UserError(f"method.extra: {str(error).splitlines()[0]}") from error
    # Use one GPU in each process: with several, the Trainer chooses DataParallel, whose copies of
    # the model break the forward passes of this project and of TRL. `accelerate launch` starts one
    # process a GPU instead.
    if training_args.n_gpu > 1:
        training_args._n_gpu = 1
    _check_schedule(training_args)
    return training_args


def _check_schedule(args: Any) -> None:
    """Raise UserError if the schedule lacks an argument that it needs."""
    name = args.lr_scheduler_type
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=args.learning_rate)
    try:
        get_scheduler(name, optimizer, 1, 10, args.lr_scheduler_kwargs)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"method.schedule={name.value}: {error}; set the arguments of the schedule with "
            "'method.extra={lr_scheduler_kwargs: {NAME: VALUE}}'"
        ) from error
