"""The trained model and its adapters as files, gathered from all processes where it is sharded."""

import os
import shutil
from pathlib import Path
from typing import Any

import torch

from social_sandbox.envs.errors import UserError


def check_sharding(lora: bool, roles: bool = False) -> None:
    """Raise UserError if the launched processes shard weights in a way that adapters do not bear.

    `accelerate launch` tells of FSDP and DeepSpeed by environment variables.
    """
    on = os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
    if roles and (on or os.environ.get("ACCELERATE_USE_DEEPSPEED", "").lower() == "true"):
        raise UserError(
            "method.roles: weights that are sharded bear one adapter; launch without FSDP and "
            "DeepSpeed"
        )
    if lora and on and os.environ.get("FSDP_VERSION", "1") != "2":
        raise UserError(
            "method.lora: adapters with sharded weights need fsdp_version: 2 in the file of "
            "accelerate, as in configs/accelerate/fsdp_7b.yaml"
        )


def is_sharded(trainer: Any) -> bool:
    """Return whether the weights or the state of the optimiser are shared out over processes."""
    return bool(trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled)


def sum_gradients_exactly(trainer: Any) -> None:
    """Let FSDP2 sum gradients in float32 and leave a layer's output as it is.

    Weights are still gathered in bfloat16 where training computes in it. By default accelerate
    rounds gradients to bfloat16 before they are summed, and with them the likelihoods that the
    output layer returns.
    """
    plugin = getattr(trainer.accelerator.state, "fsdp_plugin", None)
    if plugin is None or plugin.fsdp_version != 2 or plugin.mixed_precision_policy is None:
        return
    from torch.distributed.fsdp import MixedPrecisionPolicy

    plugin.mixed_precision_policy = MixedPrecisionPolicy(
        param_dtype=plugin.mixed_precision_policy.param_dtype, reduce_dtype=torch.float32
    )


def load_finished(trainer: Any, checkpoint: Path) -> None:
    """Load a checkpoint into a Trainer that has nothing left to train."""
    if is_sharded(trainer):
        # As `train` does it: weights are sharded together with the optimiser that has them.
        trainer.create_optimizer()
        trainer.model, trainer.optimizer = trainer.accelerator.prepare(
            trainer.model, trainer.optimizer
        )
        trainer.model_wrapped = trainer.model
    if trainer.is_deepspeed_enabled:
        from transformers.integrations.deepspeed import deepspeed_load_checkpoint

        # Frozen weights under adapters are in no checkpoint.
        strict = not hasattr(trainer.model, "merge_and_unload")
        deepspeed_load_checkpoint(trainer.model_wrapped, str(checkpoint), strict)
    else:
        trainer._load_from_checkpoint(str(checkpoint))


def export(trainer: Any, folder: Path) -> None:
    """Write the trained model to `folder`/model; under LoRA the adapters to `folder`/adapter.

    Of a sharded model the first process gathers all weights in the memory of its machine, which
    takes 4 bytes a parameter.
    """
    partial, final = folder / "model.partial", folder / "model"
    if trainer.args.should_save:
        shutil.rmtree(partial, ignore_errors=True)
    if is_sharded(trainer):
        _gathered(trainer, folder, partial)
    elif hasattr(trainer.model, "merge_and_unload"):
        adapter = folder / "adapter"
        trainer.save_model(str(adapter))
        (adapter / "training_args.bin").unlink(missing_ok=True)
        # Merge in float32: in bfloat16 rounding would erase most of the learnt difference.
        merged = trainer.model.float().merge_and_unload()
        if trainer.args.should_save:
            merged.save_pretrained(partial)
            trainer.processing_class.save_pretrained(partial)
    else:
        trainer.save_model(str(partial))
    if trainer.args.should_save:
        # This file is a pickle, which can run code when loaded: do not pass one on with the model.
        (partial / "training_args.bin").unlink(missing_ok=True)
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    # Other processes may read the model next.
    trainer.accelerator.wait_for_everyone()


def _gathered(trainer: Any, folder: Path, partial: Path) -> None:
    """Gather the weights in the first process, which writes model, adapters and tokenizer."""
    wrapped = trainer.model_wrapped if trainer.is_deepspeed_enabled else trainer.model
    model = trainer.accelerator.unwrap_model(wrapped)
    # All processes take part in this; only the first one gets the weights.
    state = trainer.accelerator.get_state_dict(wrapped)
    keep = trainer.args.should_save
    trained = _trained_exactly(model, keep) if trainer.is_deepspeed_enabled else {}
    if not keep:
        return
    state.update(trained)
    has_adapters = hasattr(model, "merge_and_unload")
    base = model.get_base_model() if has_adapters else model
    with torch.device("meta"):
        whole = _own_class(base)(base.config)
    if has_adapters:
        from peft import get_peft_model

        with torch.device("meta"):
            whole = get_peft_model(whole, model.peft_config[model.active_adapter])
    # The weights become those of a model that is like the sharded one and not sharded.
    whole.load_state_dict(state, assign=True)
    whole.tie_weights()
    if has_adapters:
        whole.save_pretrained(folder / "adapter")
        trainer.processing_class.save_pretrained(folder / "adapter")
        whole = whole.float().merge_and_unload()
    whole.generation_config = base.generation_config
    whole.save_pretrained(partial)
    trainer.processing_class.save_pretrained(partial)


def _trained_exactly(model: Any, keep: bool) -> dict[str, torch.Tensor]:
    """Return the trained weights in float32 as DeepSpeed's optimiser has them.

    The model of DeepSpeed has copies in bfloat16, whose rounding would erase most of what small
    steps have changed.
    """
    from deepspeed.utils import safe_get_full_fp32_param

    exact = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            # All processes take part in this, too.
            weights = safe_get_full_fp32_param(parameter)
            if weights is not None and keep:
                exact[name] = weights.cpu()
    return exact


def _own_class(model: Any) -> Any:
    """Return the class that a model had before it was sharded; FSDP2 puts one of its own first."""
    from torch.distributed.fsdp import FSDPModule

    return next(kind for kind in type(model).__mro__ if not issubclass(kind, FSDPModule))
