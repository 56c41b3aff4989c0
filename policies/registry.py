"""Policies by name: those of this project, and those of installed packages.

A package adds a policy by an entry point in the group `social_sandbox.policies`. The entry point
names a class, or a function that returns an agent (see `as_policy`).
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
    """A policy that has a name.

    Attributes:
        name: The name.
        target: Import path of the class or function.
        origin: The package, with its version.
    """

    name: str
    target: str
    origin: str


def installed() -> list[Listed]:
    """Return all policies that have a name, this project's policies first."""
    listed = [
        Listed(name, recipe(name)["_target_"], "social-sandbox")
        for name in _project_names()
        if name != "custom"
    ]
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"
        listed.append(Listed(point.name, point.value, origin))
    return listed


def recipe(name: str) -> dict[str, Any]:
    """Return the settings of a policy with their defaults; `_target_` is its import path.

    Raises:
        UserError: No installed policy has this name, or the policy cannot be imported.
    """
    if name in _project_names():
        text = (files("social_sandbox.configs") / "policy" / f"{name}.yaml").read_text("utf-8")
        settings = OmegaConf.to_container(OmegaConf.create(text))
        assert isinstance(settings, dict)
        return {str(key): value for key, value in settings.items()}
    for point in entry_points(group=GROUP):
        if point.name == name:
            return _recipe_of(point)
    names = ", ".join(listed.name for listed in installed())
    raise UserError(f"policy: {name!r} is not installed; choose from {names}")


def register(*names: str) -> None:
    """Make policies of other packages choices of the settings `policy` and `observer`.

    Only the named policies are registered, since the settings of a policy are known only after
    its module has been imported.
    """
    store = ConfigStore.instance()
    for point in entry_points(group=GROUP):
        if point.name in names and point.name not in _project_names():
            for kind in KINDS:
                store.store(point.name, _recipe_of(point), group=kind)


def _project_names() -> list[str]:
    names = [file.name for file in (files("social_sandbox.configs") / "policy").iterdir()]
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def _recipe_of(point: EntryPoint) -> dict[str, Any]:
    """Return the recipe of an entry point: its import path and its parameters with defaults."""
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
