"""The identity of a run: a hash of the settings that its outcome depends on.

Equal settings give the same run: a point of a sweep that was interrupted and is issued again finds
its folder by this hash.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError

from ..data.config import DataConfig, SourceConfig
from ..data.sources import source_files
from ..methods import method_name
from ..runtime.recipes import recorded_recipe
from ..runtime.secrets import without_secrets
from ..runtime.stage import file_hash, weights_hash
from .settings import Settings

_HOW_RUN = ("output_dir", "overwrite", "progress", "budget", "engine", "wandb")
"""Settings that change where and how a run is done, and not its outcome."""


def settings_hash(settings: Settings) -> str:
    """Return twelve hexadecimal digits that stand for all settings the outcome depends on.

    An input file is represented by its content, not by its path.
    """
    plain = {name: value for name, value in asdict(settings).items() if name not in _HOW_RUN}
    if plain["shard"] is None:
        del plain["shard"]
    # A former setting; without it the folders of earlier sweeps would not be found.
    plain["cycle"] = 0
    for recipe in ("policy", "observer", "embedder"):
        plain[recipe] = _hashed_recipe(plain[recipe])
    plain["population"] = [_hashed_recipe(entry) for entry in plain["population"] or ()]
    # Two methods may have equal settings.
    method = settings.method
    plain["method"] = {"name": method_name(type(method)), **asdict(method.config)}
    for name in ("questions", "priors", "interactions", "groups", "chat_template"):
        plain[name] = _content(plain[name])
    for number, source in enumerate(settings.data.sources or ()):
        if source.path is not None:
            plain["data"]["sources"][number]["path"] = _contents(source)
    for name in ("questions", "pairs"):
        plain["evaluate"][name] = _content(plain["evaluate"][name])
    text = json.dumps(without_secrets(plain), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _hashed_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    # A former part of the hash; without it the folders of earlier sweeps would not be found.
    former = {name: None for name in ("base_url",) if name in recipe}
    return recorded_recipe(recipe) | former


def _contents(source: SourceConfig) -> list[str | None]:
    """Return the hashes of a source's files, or its path where the files are not found."""
    try:
        return [_content(file) for _, file in source_files(DataConfig(sources=(source,)))]
    except UserError:
        return [source.path]


def _content(source: str | Path | None) -> str | None:
    """Return the hash of a file, or the text itself where it is no file, such as a hub id."""
    if source is None:
        return None
    return file_hash(Path(source)) if Path(source).is_file() else str(source)


def model_hash(model: str) -> str | list[str | None] | None:
    """Return a hash of the weights in a local folder; of an adapter with those of its base model.

    Returns None for a model that is no local folder, or has no weights.
    """
    own = weights_hash(model)
    if own is None or not (Path(model).expanduser() / "adapter_config.json").is_file():
        return own
    from social_sandbox.policies.huggingface.shared_model import base_model_of

    base = base_model_of(model)
    return own if base is None else [own, weights_hash(base)]
