"""Adapters for a server of the base model: one without effect, and the sum of several.

Each cycle of an online job trains a new adapter on the model that the cycle before has left, which
is the base model with all earlier adapters merged into it. A server that holds the base model needs
their sum. It is exact: the rows of `lora_A` and the columns of `lora_B` are put together, and the
rank is the sum of the ranks.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.huggingface.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS

from ..config import LoraConfig
from ..method import import_peft
from .lora import lora_config


def write_sum(adapters: Sequence[Path], folder: Path, base_model: str) -> None:
    """Write the sum of adapters of equal form into a folder, which is replaced if it differs.

    Args:
        adapters: Folders of adapters, each trained on the base model with the earlier ones merged.
        folder: The folder of the sum.
        base_model: What the sum names as its base model.

    Raises:
        UserError: The adapters have different forms.
    """
    import torch
    from safetensors.torch import load_file

    configs = [json.loads((each / ADAPTER_CONFIG).read_text(encoding="utf-8")) for each in adapters]
    _check_equal_form(adapters, configs)
    weights = [load_file(each / ADAPTER_WEIGHTS) for each in adapters]
    summed = {
        name: torch.cat([each[name] for each in weights], dim=_dimension_of_rank(name))
        for name in weights[0]
    }
    ranks = [config["r"] for config in configs]
    config = {
        **configs[-1],
        "base_model_name_or_path": base_model,
        "r": sum(ranks),
        # The factor of an adapter is alpha / r, and is the same for all of them.
        "lora_alpha": configs[-1]["lora_alpha"] * sum(ranks) / ranks[-1],
    }
    _write(folder, summed, json.dumps(config, indent=2, sort_keys=True) + "\n")


def write_blank(base_model: Any, name: str, lora: LoraConfig, rank: int, folder: Path) -> None:
    """Write an adapter without effect: every weight is 0. No weights of the model are needed.

    Args:
        base_model: The configuration of the base model.
        name: The base model's name.
        lora: The settings of the adapters that training will make.
        rank: The rank, in place of that of the settings.
        folder: The folder of the adapter, which is replaced.

    Raises:
        UserError: peft is not installed, or the model lacks a module of `target_modules`.
    """
    import torch
    from transformers import AutoModelForCausalLM

    peft = import_peft()
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(base_model)
    config = lora_config(lora, model)
    config.r, config.lora_alpha = rank, lora.alpha * rank / lora.rank
    adapted = peft.get_peft_model(model, config, low_cpu_mem_usage=True)
    weights = {
        key: torch.zeros(value.shape, dtype=torch.bfloat16)
        for key, value in peft.get_peft_model_state_dict(adapted).items()
    }
    plain = adapted.peft_config["default"].to_dict()
    plain = {key: sorted(v) if isinstance(v, set) else v for key, v in plain.items()}
    plain["base_model_name_or_path"] = name
    _write(folder, weights, json.dumps(plain, indent=2, sort_keys=True, default=str) + "\n")


def _check_equal_form(adapters: Sequence[Path], configs: Sequence[Any]) -> None:
    """Raise UserError for adapters whose sum is no adapter."""
    for folder, config in zip(adapters, configs, strict=True):
        factor = config["lora_alpha"] / config["r"]
        other = configs[0]["lora_alpha"] / configs[0]["r"]
        targets, others = (sorted(each["target_modules"]) for each in (config, configs[0]))
        if factor != other or targets != others or config.get("use_rslora"):
            raise UserError(
                f"method.lora: the adapters {adapters[0]} and {folder} have other modules or "
                "another factor, so that their sum is no adapter"
            )


def _dimension_of_rank(name: str) -> int:
    """Return which dimension of a weight is the rank; embeddings have theirs the same way round."""
    return 0 if "lora_A" in name or "lora_embedding_A" in name else 1


def _write(folder: Path, weights: Any, config: str) -> None:
    """Write an adapter; a folder that holds the same is left as it is, for a server may read it."""
    from safetensors.torch import save_file

    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(
        {name: weight.contiguous() for name, weight in sorted(weights.items())},
        partial / ADAPTER_WEIGHTS,
        {"format": "pt"},
    )
    (partial / ADAPTER_CONFIG).write_text(config, encoding="utf-8")
    files = (ADAPTER_WEIGHTS, ADAPTER_CONFIG)
    if all(
        (folder / file).is_file() and (folder / file).read_bytes() == (partial / file).read_bytes()
        for file in files
    ):
        shutil.rmtree(partial)
        return
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
