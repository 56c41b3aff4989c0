"""Checks of a model's folder before anything is loaded: files, weights and kind of model."""

import json
import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.text.file_kinds import pointer_at

from .adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS

_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
_JSON_FILES = ("config.json", "generation_config.json", "tokenizer_config.json", ADAPTER_CONFIG)
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_OTHER_HEAD = re.compile(
    r"For(MaskedLM|SequenceClassification|TokenClassification|QuestionAnswering|MultipleChoice)$"
)


def check_files(folder: Path, model: str, setting: str) -> None:
    """Check the configuration files of a model or an adapter.

    Args:
        folder: Folder of the model.
        model: Name of the model in messages.
        setting: Setting that names the model, for messages.

    Raises:
        UserError: A file is a pointer or no JSON object.
    """
    for file in sorted(folder.glob("*.json")):
        if named := pointer_at(file):
            raise UserError(f"{setting}: {model}/{file.name} is {named}")
    for name in _JSON_FILES:
        if (folder / name).is_file():
            _read_object(folder / name, model, setting)


def check_weights(folder: Path, model: str, setting: str, *, adapter: bool = False) -> None:
    """Check that the weights of a model or an adapter are there, whole, and no pickle.

    Only the headers of the files are read.

    Raises:
        UserError: The weights are missing, cut off, or of another kind.
    """
    if adapter:
        files = [folder / ADAPTER_WEIGHTS]
    elif (folder / _WEIGHTS).is_file() or not (folder / _INDEX).is_file():
        files = [folder / _WEIGHTS]
    else:
        shards = _read_object(folder / _INDEX, model, setting).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise UserError(f"{setting}: {model}/{_INDEX} names no files of weights")
        files = [folder / name for name in sorted(set(map(str, shards.values())))]
    if not files[0].is_file() and len(files) == 1:
        pickles = sorted(path.name for kind in _PICKLES for path in folder.glob(kind))
        if pickles:
            raise UserError(
                f"{setting}: the weights of {model} are a pickle ({pickles[0]}), which can run "
                f"code when loaded; save them as {files[0].name}"
            )
        raise UserError(
            f"{setting}: no weights (*.safetensors) in {model}: {files[0].name} is missing"
        )
    for file in files:
        if not file.is_file():
            raise UserError(f"{setting}: no weights {file.name} in {model}, which its index names")
        check_safetensors(file, f"{setting}: {model}/{file.name}")


def check_kind(config: Any, model: str, setting: str, *, trained: bool = False) -> None:
    """Check that a configuration is that of a causal language model.

    Args:
        config: Configuration of transformers.
        model: Name of the model in messages.
        setting: Setting that names the model, for messages.
        trained: Whether the model is to be trained.

    Raises:
        UserError: The model is of another kind, or is quantised and is to be trained.
    """
    names = getattr(config, "architectures", None) or []
    other = [name for name in names if _OTHER_HEAD.search(name)]
    if config.is_encoder_decoder or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        what = "an encoder-decoder" if config.is_encoder_decoder else "no causal language"
        raise UserError(
            f"{setting}: {model} is {what} model ({config.model_type}); name a causal language "
            "model, such as one of the Llama, Qwen or GPT families"
        )
    if names and len(other) == len(names):
        raise UserError(f"{setting}: {model} is a {other[0]} and no causal language model")
    if _reads_both_ways(config):
        raise UserError(
            f"{setting}: {model} is an encoder ({config.model_type}), whose tokens see those "
            "behind them, and no causal language model"
        )
    quantised = getattr(config, "quantization_config", None)
    if quantised and trained:
        method = dict(quantised).get("quant_method") if isinstance(quantised, dict) else None
        raise UserError(
            f"{setting}: {model} is quantised{f' ({method})' if method else ''}, and quantised "
            "weights can neither be trained nor merged; name the model before its quantisation"
        )


def _reads_both_ways(config: Any) -> bool:
    """Return whether a model is an encoder such as BERT that is not set to be a decoder."""
    # Others may have the attribute from an old config.json; GPT-NeoX has it and is always causal.
    is_own = hasattr(type(config), "is_decoder") and not config.model_type.startswith("gpt_neox")
    return is_own and config.is_decoder is False


def _read_object(file: Path, model: str, setting: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{setting}: cannot load {model}: {file.name}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(
            f"{setting}: cannot load {model}: {file.name} is no JSON ({first_words(error)})"
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"{setting}: cannot load {model}: {file.name} is no JSON object")
    return content


def check_safetensors(file: Path, place: str) -> None:
    """Check that a file of weights is whole, by its header.

    Args:
        file: The file.
        place: Setting and name of the file, for messages.

    Raises:
        UserError: The file is a pointer, is cut off or damaged, or holds nothing.
    """
    if named := pointer_at(file):
        raise UserError(f"{place} is {named}")
    try:
        with safe_open(file, framework="np") as tensors:
            empty = not tensors.keys()
    except (OSError, SafetensorError) as error:
        raise UserError(f"{place} is cut off or damaged: {first_words(error)}") from error
    if empty:
        raise UserError(f"{place} holds no weights")
