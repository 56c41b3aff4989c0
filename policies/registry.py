"""Policies by name: those of this project, and those of installed packages.

A package adds a policy by an entry point in the group `social_sandbox.policies`. The entry point
names a class, or a function that returns an agent (see `as_policy`).
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pkgutil import resolve_name
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pydantic import ValidationError

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.settings import as_user_error

from .norms.norm import is_norm_function

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


def recipe(name: str, kind: str = "policy") -> dict[str, Any]:
    """Return the settings of a policy with their defaults; `_target_` is its import path.

    Args:
        name: The name.
        kind: One of `KINDS`: an observer may have other defaults. A policy that can only observe,
            such as `value_model`, is found in either kind.

    Raises:
        UserError: No installed policy has this name, or the policy cannot be imported.
    """
    if name not in _project_names(kind) and name in _project_names("observer"):
        kind = "observer"
    if name in _project_names(kind):
        text = (files("social_sandbox.configs") / kind / f"{name}.yaml").read_text("utf-8")
        settings = OmegaConf.to_container(OmegaConf.create(text))
        assert isinstance(settings, dict)
        bases = [each for each in settings.pop("defaults", ()) if isinstance(each, dict)]
        inherited = [recipe(base) for each in bases for base in each.values()]
        return {str(key): value for each in (*inherited, settings) for key, value in each.items()}
    for point in entry_points(group=GROUP):
        if point.name == name:
            return _recipe_of(point)
    others = [listed.name for listed in installed() if listed.origin != "social-sandbox"]
    names = ", ".join([*(each for each in _project_names(kind) if each != "custom"), *others])
    raise UserError(f"{kind}: {name!r} is not installed; choose from {names}")


def build(recipe: Mapping[str, Any], section: str) -> Any:
    """Return the object that a recipe with `_target_` describes.

    Raises:
        UserError: The object cannot be made; the message names the section.
    """
    try:
        # A norm is called with an answer, and not to make an observer.
        partial = {"_partial_": True} if _names_a_norm(recipe) else {}
        made = instantiate({"_convert_": "all", **partial, **recipe})
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, UserError):
            # A policy does not know which section it is built from.
            words = re.sub(r"^policy\.", f"{section}.", str(cause))
            raise UserError(words) from error
        if isinstance(cause, ValidationError):
            raise as_user_error(cause, section=section) from error
        raise UserError(f"{section}: {first_words(cause or error)}") from error
    if getattr(made, "section", None) == "policy":
        made.section = section
    return made


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


def _names_a_norm(recipe: Mapping[str, Any]) -> bool:
    """Return whether a recipe names the function of a norm; False where nothing is found."""
    try:
        return is_norm_function(resolve_name(str(recipe.get("_target_"))))
    except Exception:
        return False


def _project_names(kind: str = "policy") -> list[str]:
    names = [file.name for file in (files("social_sandbox.configs") / kind).iterdir()]
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
