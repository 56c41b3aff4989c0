"""The settings of players as records keep them: what their answers depend on."""

from collections.abc import Mapping
from typing import Any

from .secrets import without_secrets

_HOW_ASKED = frozenset(
    {
        *("base_url", "client", "api_key_env", "server_dir"),
        *("max_concurrency", "requests_per_minute", "tokens_per_minute", "timeout"),
        *("max_retries", "thought_tokens", "tries", "on_error"),
        *("usd_per_million_prompt_tokens", "usd_per_million_completion_tokens"),
        *("where", "host", "port", "open_browser"),
    }
)
"""Settings of a policy that change where and how a server or a person is asked, and not what the
answers come from: `model` names that."""


def recorded_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a policy that its answers depend on, without secrets.

    These are recorded by a stage and must not change when the stage is resumed; all others may.
    """
    kept = _what_answers(recipe)
    return {name: without_secrets(value, name) for name, value in kept.items()}


def comparable(record: Any) -> Any:
    """Return what a stage has recorded without what earlier versions have recorded of players.

    Those versions had the addresses of servers in their records.
    """
    if isinstance(record, Mapping):
        is_recipe = "_target_" in record
        kept = _what_answers(record) if is_recipe else record
        return {name: comparable(value) for name, value in kept.items()}
    return [comparable(value) for value in record] if isinstance(record, list) else record


def _what_answers(recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # An observer may be the mean of others.
        name: [_what_answers(each) if isinstance(each, Mapping) else each for each in value]
        if name == "observers" and isinstance(value, list | tuple)
        else value
        for name, value in recipe.items()
        if name not in _HOW_ASKED
    }
