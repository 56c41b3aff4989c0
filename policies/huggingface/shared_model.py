"""A loaded model that several policies play with, each perhaps with a LoRA adapter of its own."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies
from weakref import WeakValueDictionary

import torch
from huggingface_hub.constants import ENDPOINT
from transformers import AutoModelForCausalLM, AutoTokenizer

from social_sandbox.envs.errors import UserError, first_words

from .smollm2 import resolve_model

BASE = "__base__"
"""What peft calls the model without any adapter."""


class SharedModel:
    """Weights that are loaded once, on first use; adapters are added to them."""

    def __init__(self, model_id: str, device: torch.device, dtype: torch.dtype) -> None:
        """See `shared_model`, which makes them."""
        self.model_id, self.device, self.dtype = model_id, device, dtype
        self._adapters: dict[str, str] = {}
        self._with_adapters: Any = None

    @property
    def model(self) -> Any:
        """The model, with the adapters that have been added."""
        return self._base if self._with_adapters is None else self._with_adapters

    @cached_property
    def _base(self) -> Any:
        model = load(AutoModelForCausalLM, self.model_id, dtype=self.dtype)
        return model.to(self.device).eval()

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer, padding on the left."""
        tokenizer = load(AutoTokenizer, self.model_id, padding_side="left")
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    def adapter_names(self, adapters: Sequence[str | None]) -> dict[str, Any]:
        """What a call of the model has to say for rows with these adapters, loading new ones."""
        names = [BASE if adapter is None else self._name(adapter) for adapter in adapters]
        return {} if self._with_adapters is None else {"adapter_names": names}

    @contextmanager
    def with_adapter(self, adapter: str | None) -> Iterator[Any]:
        """The model for whoever calls it without a name for each row: this adapter is on."""
        name = None if adapter is None else self._name(adapter)
        if name is not None:
            self._with_adapters.base_model.set_adapter(name, inference_mode=True)
        try:
            yield self.model
        finally:
            if name is not None:
                self._with_adapters.base_model.set_adapter([])

    def _name(self, adapter: str) -> str:
        if adapter not in self._adapters:
            from peft import PeftModel

            name = f"adapter_{len(self._adapters)}"
            try:
                if self._with_adapters is None:
                    self._with_adapters = PeftModel.from_pretrained(
                        self._base, adapter, adapter_name=name
                    ).eval()
                else:
                    self._with_adapters.load_adapter(adapter, adapter_name=name)
            except (OSError, ValueError, RuntimeError, KeyError) as error:
                raise UserError(
                    f"policy.adapter: cannot load {adapter} onto {self.model_id}: "
                    f"{first_words(error)}"
                ) from error
            # Whoever calls the model without a name for each row gets it without any adapter.
            self._with_adapters.base_model.set_adapter([])
            self._adapters[adapter] = name
        return self._adapters[adapter]


_models: "WeakValueDictionary[tuple[str, str, str], SharedModel]" = WeakValueDictionary()


def shared_model(model_id: str, device: torch.device, dtype: torch.dtype) -> SharedModel:
    """The model with these weights: the same one for all who ask while somebody holds it."""
    which = (model_id, str(device), str(dtype))
    found = _models.get(which)
    if found is None:
        found = _models[which] = SharedModel(model_id, device, dtype)
    return found


def check_adapter(adapter: str | None) -> None:
    """Raise UserError for a folder that is no adapter, or where peft is not installed."""
    if adapter is None:
        return
    folder = Path(adapter).expanduser()
    if adapter.startswith((".", "/", "~")) and not (folder / "adapter_config.json").is_file():
        raise UserError(f"policy.adapter: no LoRA adapter (adapter_config.json) in {adapter}")
    try:
        import peft  # noqa: F401
    except ImportError:
        raise UserError("policy.adapter: LoRA adapters need peft: pip install peft") from None


def load(auto: Any, model: str, setting: str = "policy.model", **options: Any) -> Any:
    """Load a model or tokenizer. Raises UserError naming the setting where that fails."""
    path = find(model, setting)
    # Without a network each file is tried for half a minute before one learns that there is none.
    offline = not Path(path).is_dir() and not hub_is_found()
    if offline:
        options["local_files_only"] = True
    try:
        return auto.from_pretrained(path, **options)
    except (OSError, ValueError) as error:
        reason = first_words(error)
        if offline:
            reason = f"no such folder, not downloaded before, and {ENDPOINT} is not found"
        elif Path(path).is_dir() and not (Path(path) / "config.json").exists():
            reason = "the folder has no config.json"
        raise UserError(f"{setting}: cannot load {model}: {reason}") from error


def hub_is_found() -> bool:
    """Whether the hub has an address here; a proxy is left to find it."""
    host = urlsplit(ENDPOINT).hostname
    if host is None or getproxies():
        return True
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True


def find(model: str, setting: str = "policy.model") -> str:
    """The folder or hub id of a model. Raises UserError for a folder that is not there."""
    path = resolve_model(model)
    if path.startswith((".", "/", "~")):
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise UserError(f"{setting}: no such folder: {path}")
        return str(folder)
    return path
