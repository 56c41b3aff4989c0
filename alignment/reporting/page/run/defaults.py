"""The recorded settings of a run that differ from their defaults."""

import json
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import cache
from importlib.resources import files
from typing import Any

from omegaconf import OmegaConf

from ....runtime.secrets import without_secrets
from ..records import Setting

Settings = Mapping[str, Any]

GROUPS = ("policy", "observer", "embedder", "method")
"""Settings that are a choice of several kinds, each with settings of its own."""


def differing(stages: Mapping[str, Settings]) -> list[Setting]:
    """Return the recorded settings of all stages that differ from their defaults.

    The settings of a policy, an observer, an embedder and a method are compared with the defaults
    of their own kind; that the kind is another one than the default is said too.

    Args:
        stages: The `settings` of each stage's record, by the stage's name.
    """
    recorded = without_secrets(_recorded(stages))
    choices = {group: _choice_of(group, recorded[group]) for group in GROUPS if group in recorded}
    usual = _composed()
    found = []
    for group, name in choices.items():
        default = _choice_of(group, usual[group])
        if name != default:
            shown = name or recorded[group].get("_target_") or recorded[group].get("name")
            found.append(Setting(group, _json(shown), _json(default)))
    chosen = tuple(f"{group}={name}" for group, name in choices.items() if name not in _UNCLEAR)
    # The seeds of other sections follow from the seed of the run.
    seed = recorded.get("seed", 0)
    defaults = _composed(f"seed={seed}", *chosen) | {"seed": usual["seed"]}
    for group, name in choices.items():
        if name in _UNCLEAR:
            defaults.pop(group)
    for name, value in _flat(recorded):
        default = _get(defaults, name)
        if default is not _ABSENT and default != value:
            found.append(Setting(name, _json(value), _json(default)))
    return found


_ABSENT = object()
_UNCLEAR = (None, "custom")


def _recorded(stages: Mapping[str, Settings]) -> dict[str, Any]:
    """Return the settings of all stages under the names that the command line has for them."""
    found: dict[str, Any] = dict(stages.get("simulation", {}))
    alignment, evaluation = stages.get("alignment", {}), stages.get("evaluation", {})
    found["data"] = stages.get("data", {}).get("data")
    found |= {name: alignment.get(name) for name in ("method", "base_model")}
    # The record names the model that was measured, which nobody need have chosen.
    evaluate = {n: v for n, v in evaluation.get("evaluate", {}).items() if n != "model"}
    found["evaluate"] = evaluate or None
    if "observer" not in found:
        found["observer"] = evaluation.get("observer")
    return {name: value for name, value in found.items() if value is not None and value != []}


@cache
def _composed(*overrides: str) -> dict[str, Any]:
    """Return all settings with their defaults."""
    from hydra import compose, initialize_config_module
    from hydra.core.global_hydra import GlobalHydra

    # A job of the command line has started Hydra already.
    is_job = GlobalHydra.instance().is_initialized()
    start = (
        nullcontext()
        if is_job
        else initialize_config_module("social_sandbox.configs", version_base="1.3")
    )
    with start:
        plain = OmegaConf.to_container(compose("config", list(overrides)), resolve=True)
    assert isinstance(plain, dict)
    return {str(name): value for name, value in plain.items()}


def _choice_of(group: str, settings: Settings) -> str | None:
    """Return the name of the choice of a group, such as `openai` of `policy`, by its settings."""
    known = "_target_" if "_target_" in settings else "name"
    for name in _names(group):
        if known == "name" and settings.get("name") == name:
            return name
        if known == "_target_" and _target(group, name) == settings["_target_"]:
            return name
    return None


@cache
def _names(group: str) -> tuple[str, ...]:
    folder = files("social_sandbox.configs") / group
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))


@cache
def _target(group: str, name: str) -> str | None:
    file = files("social_sandbox.configs") / group / f"{name}.yaml"
    settings = OmegaConf.to_container(OmegaConf.create(file.read_text("utf-8")))
    target = settings.get("_target_") if isinstance(settings, dict) else None
    # Some observers have the settings of the policy of the same name.
    inherits = target is None and group == "observer" and name in _names("policy")
    return _target("policy", name) if inherits else target


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for inner, one in value.items():
            yield from _flat(one, f"{name}.{inner}".lstrip("."))
    else:
        yield name, value


def _get(settings: Any, name: str) -> Any:
    for part in name.split("."):
        if not isinstance(settings, Mapping) or part not in settings:
            return _ABSENT
        settings = settings[part]
    return settings


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
