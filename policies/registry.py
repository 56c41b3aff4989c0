"""Policies by name: those of this project, and those of installed packages.

A package joins in by an entry point in the group `social_sandbox.policies`, which names a class or
a function that makes a policy (see `as_policy` for what can be one).
"""

import inspect
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from social_sandbox.envs.errors import UserError

GROUP = "social_sandbox.policies"
"""The group of entry points."""

KINDS = ("policy", "observer")
"""The settings that name a policy."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A policy that can be named: its class or function, and where it comes from."""

    name: str
    target: str
    origin: str


def installed() -> list[Listed]:
    """All policies that can be named, this project's first."""
    own = [
        Listed(name, recipe(name)["_target_"], "social-sandbox")
        for name in _own()
        if name != "custom"
    ]
    others = [
        Listed(
            point.name,
            point.value,
            f"{point.dist.name} {point.dist.version}" if point.dist else "unknown",
        )
        for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)
    ]
    return own + others


def recipe(name: str) -> dict[str, Any]:
    """The settings of a policy, with their defaults. Raises UserError for a name nobody has."""
    if name in _own():
        text = (files("social_sandbox.configs") / "policy" / f"{name}.yaml").read_text("utf-8")
        settings = OmegaConf.to_container(OmegaConf.create(text))
        assert isinstance(settings, dict)
        return {str(key): value for key, value in settings.items()}
    for point in entry_points(group=GROUP):
        if point.name == name:
            return _recipe_of(point)
    known = ", ".join(listed.name for listed in installed())
    raise UserError(f"policy: nobody installed a policy {name!r}; there are {known}")


def register(*names: str) -> None:
    """Make policies of installed packages choices of the settings that name a policy.

    Only those that are asked for: to know a policy's settings, its module is imported.
    """
    store = ConfigStore.instance()
    for point in entry_points(group=GROUP):
        if point.name in names and point.name not in _own():
            for kind in KINDS:
                store.store(point.name, _recipe_of(point), group=kind)


def _own() -> list[str]:
    listed = (files("social_sandbox.configs") / "policy").iterdir()
    return sorted(f.name.removesuffix(".yaml") for f in listed if f.name.endswith(".yaml"))


def _recipe_of(point: EntryPoint) -> dict[str, Any]:
    """What makes it, and its parameters with their defaults, so that they can be overridden."""
    try:
        maker = point.load()
    except Exception as error:
        raise UserError(
            f"policy {point.name}: cannot import {point.value}: {type(error).__name__}: {error}"
        ) from error
    if not callable(maker):
        raise UserError(f"policy {point.name}: {point.value} is no class and no function")
    settings: dict[str, Any] = {"_target_": point.value.replace(":", ".")}
    for name, parameter in inspect.signature(maker).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        default = parameter.default
        settings[name] = "???" if default is parameter.empty else default
    return settings
