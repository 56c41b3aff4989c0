"""Models that several policies share, each policy perhaps with its own LoRA adapter."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies
from weakref import WeakValueDictionary

import torch
from huggingface_hub.constants import ENDPOINT
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from social_sandbox.envs.errors import UserError, first_words

from .adapters import base_of, is_adapter, merge
from .capacity import (
    check_generation_file,
    check_ids,
    fit_tokens,
    mend_generation_config,
    positions,
    without_pad_id,
)
from .model_folder import check_files, check_kind, check_weights
from .smollm2 import resolve_model
from .text.rating_tokens import RatingTokens, rating_tokens

BASE = "__base__"
"""The name that peft gives to the model without any adapter."""

_BASE_OF = "base model of the adapter"
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")


class SharedModel:
    """A model and its tokenizer, loaded on first use; adapters are added to the model."""

    def __init__(self, model_id: str, device: torch.device, dtype: torch.dtype) -> None:
        """Remember what to load; `shared_model` makes all instances."""
        self.model_id, self.device, self.dtype = model_id, device, dtype
        self._adapters: dict[str, str] = {}
        self._with_adapters: Any = None
        self._rating_tokens: dict[int, RatingTokens] = {}

    @classmethod
    def of(cls, model: Any, tokenizer: Any) -> "SharedModel":
        """Return a shared model of a model and a tokenizer that are loaded, or have no files."""
        shared = cls("a loaded model", model.device, model.dtype)
        # Cached properties read these first; the tokenizer is changed for padding on the left.
        loaded = copy(tokenizer)
        loaded.padding_side = "left"
        vars(shared).update(_base=model.eval(), config=model.config, tokenizer=loaded)
        return shared

    @property
    def model(self) -> Any:
        """The model, with the adapters that have been added so far."""
        return self._base if self._with_adapters is None else self._with_adapters

    @cached_property
    def _base(self) -> Any:
        return load_model(self.model_id, dtype=self.dtype).to(self.device).eval()

    @cached_property
    def config(self) -> Any:
        """The configuration of the model, which is read without its weights."""
        return check_model(self.model_id)

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer, which pads on the left."""
        tokenizer = load_tokenizer(self.model_id, padding_side="left")
        fit_tokens(tokenizer, self.rows, "policy.model")
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    @property
    def rows(self) -> int:
        """The number of rows of the model's embedding."""
        return int(self.config.get_text_config(decoder=True).vocab_size)

    @property
    def pad_id(self) -> int:
        """The id to pad with; any token serves where the tokenizer has none, as it is masked."""
        return int(self.tokenizer.pad_token_id or 0)

    @cached_property
    def stop_ids(self) -> frozenset[int]:
        """The ids of the tokens that end a generated text."""
        ends = self.model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        return frozenset({*ends, self.tokenizer.eos_token_id} - {None})

    def token_ids(self, text: str) -> list[int]:
        """Return the token ids of a text of the project, without special tokens around it."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def check_room(self, rows: Sequence[Sequence[int]], n_new_tokens: int) -> None:
        """Check that the model has embeddings and positions for prompts and what follows them.

        Raises:
            UserError: A token has no embedding, or a prompt leaves no room for the new tokens.
        """
        longest = max(map(len, rows), default=0)
        most = positions(self.config)
        if most is not None and longest + n_new_tokens > most:
            raise UserError(
                f"policy.model: {self.model_id} has {most} positions, and a prompt of {longest} "
                f"tokens with {n_new_tokens} new ones needs {longest + n_new_tokens}; lower "
                "max_new_tokens and reason_tokens, or name another model"
            )
        ids = {max(row) for row in rows if row}
        check_ids(self.tokenizer, ids, self.rows, "policy.model")

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
    if folder.is_dir():
        check_files(folder, adapter, "policy.adapter")
        check_weights(folder, adapter, "policy.adapter", adapter=True)
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
    if Path(path).is_dir():
        check_files(Path(path), model, setting)
    # Without a network, the library would try each file for half a minute.
    offline = not Path(path).is_dir() and not hub_is_found()
    if offline:
        options["local_files_only"] = True
    try:
        # Without this argument, the library asks at the terminal whether to run a model's own code.
        return auto.from_pretrained(path, trust_remote_code=False, **options)
    except Exception as error:
        # What a damaged or foreign model raises is not documented.
        reason = first_words(error)
        if "trust_remote_code" in str(error):
            reason = "it needs Python code of its own (auto_map in config.json), which is not run"
        elif offline:
            reason = f"no such folder, not downloaded before, and {ENDPOINT} is not found"
        elif Path(path).is_dir() and not (Path(path) / "config.json").exists():
            reason = "the folder has no config.json"
        raise UserError(f"{setting}: cannot load {model}: {reason}") from error


def load_model(
    model: str, setting: str = "policy.model", *, dtype: Any, trained: bool = False
) -> Any:
    """Load a causal language model whose weights can be saved; an adapter is merged into its base.

    Args:
        model: Path or hub id, or `smollm2`.
        setting: Name of the setting that gave `model`, for error messages.
        dtype: Type of the weights, or "auto" for the type in which they are stored.
        trained: Whether the model is to be trained.

    Raises:
        UserError: The model cannot be loaded, is of another kind, lacks weights or cannot be saved
            again; the message names the setting.
    """
    config = check_model(model, setting, trained=trained)
    stored = getattr(config, "dtype", None)
    if dtype == "auto" and stored is not None and stored not in _DTYPES:
        # Such as float8, in which weights are stored and not trained.
        dtype = torch.float32
    folder = Path(find(model, setting))
    if is_adapter(folder):
        base = load_model(*_base(folder, model, setting), dtype=torch.float32, trained=trained)
        loaded = merge(base, folder, model, setting)
        loaded = loaded if dtype == "auto" else loaded.to(dtype)
    else:
        loaded, found = load(
            AutoModelForCausalLM,
            model,
            setting,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            **without_pad_id(config, setting),
        )
        missing = sorted(found["missing_keys"])
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise UserError(f"{setting}: the files of {model} lack the weights {missing[0]}{more}")
    if getattr(loaded, "generation_config", None) is not None:
        mend_generation_config(loaded.generation_config, setting)
    return loaded


def load_tokenizer(model: str, setting: str = "policy.model", **options: Any) -> Any:
    """Load the tokenizer of a model; an adapter without one has that of its base model.

    Raises:
        UserError: The tokenizer cannot be loaded; the message names the setting.
    """
    folder = Path(find(model, setting))
    if is_adapter(folder) and not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        check_files(folder, model, setting)
        return load_tokenizer(*_base(folder, model, setting), **options)
    return load(AutoTokenizer, model, setting, **options)


def check_model(model: str, setting: str = "policy.model", *, trained: bool = False) -> Any:
    """Return the configuration of a model after checks of its files, without loading its weights.

    The weights of a model on the hub are not checked: they would have to be downloaded.

    Args:
        model: Path or hub id, or `smollm2`.
        setting: Name of the setting that gave `model`, for error messages.
        trained: Whether the model is to be trained.

    Raises:
        UserError: A file is missing or damaged, or the model is of another kind.
    """
    folder = Path(find(model, setting))
    if is_adapter(folder):
        check_files(folder, model, setting)
        check_weights(folder, model, setting, adapter=True)
        return check_model(*_base(folder, model, setting), trained=trained)
    config = load(AutoConfig, model, setting)
    check_kind(config, model, setting, trained=trained)
    if folder.is_dir():
        check_weights(folder, model, setting)
        check_generation_file(folder, setting)
    return config


def base_model_of(model: str) -> str | None:
    """Return the base model of an adapter in a local folder; None for a whole model."""
    folder = Path(model).expanduser()
    return base_of(folder, model, "base_model") if is_adapter(folder) else None


def _base(folder: Path, model: str, setting: str) -> tuple[str, str]:
    """Return the base model of an adapter, and the name of the setting for errors in it."""
    base = base_of(folder, model, setting)
    if setting.count(_BASE_OF) > 3:
        raise UserError(f"{setting}: {model} is an adapter of an adapter, without a model in sight")
    return base, f"{setting}: {_BASE_OF} {model}"


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


def named_dtype(name: str) -> torch.dtype:
    """Return the type of weights with a name, such as bfloat16.

    Raises:
        UserError: Models do not compute in a type of this name.
    """
    for dtype in _DTYPES:
        if f"torch.{name.removeprefix('torch.')}" == str(dtype):
            return dtype
    raise UserError(f"policy.dtype: must be float32, bfloat16 or float16, got {name!r}")


def best_dtype(device: torch.device) -> torch.dtype:
    """Return the 16-bit type in which a device computes, or float32 if it computes in none."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.bfloat16
    return torch.float32
