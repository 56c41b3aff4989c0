"""Which run this is: a hash of the settings that its outcome depends on.

The same settings are the same run, whoever asks for it: a point of a sweep that was stopped and
is issued again finds its folder by this hash.
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
from ..runtime.secrets import without_secrets
from ..runtime.stage import file_hash
from .settings import Settings

_HOW_RUN = ("output_dir", "beside", "before", "overwrite", "progress", "budget", "wandb")
"""Settings that change where and how a run goes, and not what comes of it."""


def settings_hash(settings: Settings) -> str:
    """Twelve hexadecimal digits for all settings that the outcome depends on.

    An input file counts by what is in it, not by its path.
    """
    plain = {name: value for name, value in asdict(settings).items() if name not in _HOW_RUN}
    for recipe in ("policy", "observer", "embedder"):
        plain[recipe] = what_is_said(plain[recipe])
    plain["population"] = [what_is_said(entry) for entry in plain["population"] or ()]
    # By its settings alone, one method may look like another.
    plain["method"] = {"name": method_name(settings.method), **plain["method"]}
    for name in ("questions", "priors", "interactions", "groups", "chat_template"):
        plain[name] = _content(plain[name])
    for number, source in enumerate(settings.data.sources or ()):
        if source.path is not None:
            plain["data"]["sources"][number]["path"] = _contents(source)
    for name in ("questions", "pairs"):
        plain["evaluate"][name] = _content(plain["evaluate"][name])
    text = json.dumps(plain, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _contents(source: SourceConfig) -> list[str | None]:
    """The hashes of a source's files; one that cannot be read stands for itself."""
    try:
        return [_content(file) for _, file in source_files(DataConfig(sources=(source,)))]
    except UserError:
        return [source.path]


def _content(source: str | Path | None) -> str | None:
    """The hash of a file; what is no file, such as the id of a dataset, stands for itself."""
    if source is None:
        return None
    return file_hash(Path(source)) if Path(source).is_file() else str(source)


_HOW_ASKED = frozenset(
    {
        *("max_concurrency", "requests_per_minute", "tokens_per_minute", "timeout"),
        *("max_retries", "tries", "on_error", "api_key_env"),
        *("usd_per_million_prompt_tokens", "usd_per_million_completion_tokens"),
    }
)
"""Settings of a policy that change how it is asked, and not what it says."""


def what_is_said(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a simulation must not mix: with the rest changed, a stopped one can go on."""
    said = {name: value for name, value in recipe.items() if name not in _HOW_ASKED}
    return {name: without_secrets(value, name) for name, value in said.items()}
