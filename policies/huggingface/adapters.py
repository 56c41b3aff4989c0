"""Adapters of peft that stand where a model is expected: their base model, and the two merged."""

import json
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError, first_words

from .smollm2 import SMOLLM2, smollm2_folder_name

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def is_adapter(folder: Path) -> bool:
    """Return whether a folder holds an adapter and no whole model."""
    return (folder / ADAPTER_CONFIG).is_file() and not (folder / "config.json").is_file()


def base_of(folder: Path, model: str, setting: str) -> str:
    """Return the path or hub id of the model that an adapter was trained on.

    Raises:
        UserError: The adapter's configuration names no model.
    """
    config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise UserError(f"{setting}: {model}/{ADAPTER_CONFIG} names no base_model_name_or_path")
    # The embedded model is found wherever its cache lies on this machine.
    if Path(base).name == smollm2_folder_name():
        return SMOLLM2
    beside = folder / base
    if not Path(base).is_absolute() and not Path(base).exists() and beside.is_dir():
        return str(beside)
    return base


def merge(base: Any, folder: Path, model: str, setting: str) -> Any:
    """Return a base model in float32 with an adapter merged into its weights.

    Raises:
        UserError: peft is missing, or the adapter does not fit or cannot be merged.
    """
    try:
        from peft import PeftModel
    except ImportError:
        raise UserError(f"{setting}: {model} is an adapter: pip install peft") from None
    try:
        adapted = PeftModel.from_pretrained(base, str(folder))
    except Exception as error:
        raise UserError(
            f"{setting}: cannot load the adapter {model} onto its base model: {first_words(error)}"
        ) from error
    if not hasattr(adapted.base_model, "merge_and_unload"):
        kind = adapted.peft_config["default"].peft_type.value
        raise UserError(f"{setting}: {model} is an adapter of kind {kind}, which cannot be merged")
    # peft has frozen the weights; the caller may train them.
    merged = adapted.merge_and_unload().requires_grad_(True)
    # Adapters that are trained on the merged model record this name as that of their base model.
    merged.name_or_path = merged.config.name_or_path = str(folder.resolve())
    return merged
