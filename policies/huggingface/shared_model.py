"""Models that several policies share, each policy perhaps with its own LoRA adapter."""

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

from .rating_tokens import RatingTokens, rating_tokens
from .smollm2 import resolve_model

BASE = "__base__"
"""The name that peft gives to the model without any adapter."""


class SharedModel:
    """A model and its tokenizer, loaded on first use; adapters are added to the model."""

    def __init__(self, model_id: str, device: torch.device, dtype: torch.dtype) -> None:
        """Remember what to load; `shared_model` makes all instances."""
        self.model_id, self.device, self.dtype = model_id, device, dtype
        self._adapters: dict[str, str] = {}
        self._with_adapters: Any = None
        self._rating_tokens: dict[int, RatingTokens] = {}

    @property
    def model(self) -> Any:
        """The model, with the adapters that have been added so far."""
        return self._base if self._with_adapters is None else self._with_adapters

    @cached_property
    def _base(self) -> Any:
        model = load(AutoModelForCausalLM, self.model_id, dtype=self.dtype)
        return model.to(self.device).eval()

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer, which pads on the left."""
        tokenizer = load(AutoTokenizer, self.model_id, padding_side="left")
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    @property
    def pad_id(self) -> int:
        """The id of the padding token."""
        return int(self.tokenizer.pad_token_id)

    @cached_property
    def stop_ids(self) -> frozenset[int]:
        """The ids of the tokens that end a generated text."""
        ends = self.model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        return frozenset({*ends, self.tokenizer.eos_token_id} - {None})

    def token_ids(self, text: str) -> list[int]:
        """Return the token ids of a text of the project, without special tokens around it."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def rating_tokens(self, rating_scale: int) -> RatingTokens:
        """Return the tokens of the ratings on 1..`rating_scale`.

        Raises:
            UserError: The tokenizer does not write each number as a token of its own.
        """
        if rating_scale not in self._rating_tokens:
            tokens = rating_tokens(self.token_ids, rating_scale)
            if tokens is None:
                raise UserError(
                    f"policy.model: the tokenizer of {self.model_id} splits numbers: no ratings"
                )
            self._rating_tokens[rating_scale] = tokens
        return self._rating_tokens[rating_scale]

    def adapter_names(self, adapters: Sequence[str | None]) -> dict[str, Any]:
        """Return the arguments by which a call of the model chooses an adapter for each row.

        Adapters that are new are loaded. None means no adapter.
        """
        names = [BASE if adapter is None else self._name(adapter) for adapter in adapters]
        return {} if self._with_adapters is None else {"adapter_names": names}

    @contextmanager
    def with_adapter(self, adapter: str | None) -> Iterator[Any]:
        """Return a context with the model in which this adapter is on, for calls without names."""
        name = None if adapter is None else self._name(adapter)
        if name is not None:
            self._with_adapters.base_model.set_adapter(name, inference_mode=True)
        try:
            yield self.model
        finally:
            if name is not None:
                self._with_adapters.base_model.set_adapter([])

    def _name(self, adapter: str) -> str:
        """Return the name of an adapter in peft; the adapter is loaded on first use."""
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
            # Calls of the model without names of adapters use no adapter.
            self._with_adapters.base_model.set_adapter([])
            self._adapters[adapter] = name
        return self._adapters[adapter]


_models: "WeakValueDictionary[tuple[str, str, str], SharedModel]" = WeakValueDictionary()


def shared_model(model_id: str, device: torch.device, dtype: torch.dtype) -> SharedModel:
    """Return the model with these weights, the same object as long as a policy uses it."""
    name = (model_id, str(device), str(dtype))
    model = _models.get(name)
    if model is None:
        model = _models[name] = SharedModel(model_id, device, dtype)
    return model


def check_adapter(adapter: str | None) -> None:
    """Raise UserError if a folder holds no adapter, or if peft is not installed."""
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
    """Load a model or a tokenizer.

    Args:
        auto: Class of transformers with `from_pretrained`, such as `AutoTokenizer`.
        model: Path or hub id, or `smollm2`.
        setting: Name of the setting that gave `model`, for error messages.
        **options: Arguments of `from_pretrained`.

    Raises:
        UserError: Loading fails; the message names the setting.
    """
    path = find(model, setting)
    # Without a network, the library would try each file for half a minute.
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
    """Return whether the hub has an address on this network, or a proxy may know one."""
    host = urlsplit(ENDPOINT).hostname
    if host is None or getproxies():
        return True
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True


def find(model: str, setting: str = "policy.model") -> str:
    """Return the folder or hub id of a model.

    Raises:
        UserError: The folder does not exist; the message names the setting.
    """
    path = resolve_model(model)
    if path.startswith((".", "/", "~")):
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise UserError(f"{setting}: no such folder: {path}")
        return str(folder)
    return path


def best_dtype(device: torch.device) -> torch.dtype:
    """Return the 16-bit type in which a device computes, or float32 if it computes in none."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.bfloat16
    return torch.float32
