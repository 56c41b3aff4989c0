"""The low-rank adapters that training adds to a model."""

import re
from typing import Any

from social_sandbox.envs.errors import UserError

from ..config import LoraConfig
from ..method import import_peft


def lora_config(lora: LoraConfig | None, model: Any) -> Any:
    """Return the peft.LoraConfig of the settings; None: train all weights.

    Raises:
        UserError: peft is not installed, or the model lacks a module of `lora.target_modules`.
    """
    if lora is None:
        return None
    peft = import_peft()
    _check_tied(lora, model)
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


def _check_tied(lora: LoraConfig, model: Any) -> None:
    """Raise UserError if adapters would change one of two layers that share their weights.

    Merged into the shared weights, the adapters of one layer would change the other one, too.
    """
    first, last = model.get_input_embeddings(), model.get_output_embeddings()
    if last is None or first.weight is not last.weight:
        return
    for name, module in model.named_modules():
        if module is not first and module is not last:
            continue
        targets = lora.target_modules
        if isinstance(targets, str):
            chosen = targets != "all-linear" and re.fullmatch(targets, name) is not None
        else:
            chosen = any(name == target or name.endswith(f".{target}") for target in targets)
        if chosen:
            raise UserError(
                f"method.lora.target_modules: {name} shares its weights with another layer of the "
                "model (tied embeddings), so that its adapter could not be merged"
            )
