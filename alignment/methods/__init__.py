"""Methods of alignment, one a module; the module's name is the method's."""

import importlib
import inspect
from typing import Any

from social_sandbox.envs.errors import UserError

from ..training.method import Method, ObserverMethod

AnyMethod = Method | ObserverMethod


METHODS = {
    "chain_of_hindsight": "methods.chain_of_hindsight",
    "dpo": "methods.dpo",
    "kto": "methods.kto",
    "rlhf": "methods.rlhf",
    "rrhf": "methods.rrhf",
    "sft": "methods.sft",
    "stable_alignment": "methods.stable_alignment",
    "value_head": "observer.config",
}
"""The modules of this project's methods by their names; each defines one."""


def installed() -> list[str]:
    """The names of this project's methods."""
    return sorted(METHODS)


def find_method(name: str) -> type[AnyMethod]:
    """The dataclass of a method, by its module's name or as `package.module.Class`.

    Raises UserError where there is none.
    """
    if "." in name:
        return _theirs(name)
    if name not in installed():
        raise UserError(f"method.name: no method {name!r}; there are {', '.join(installed())}")
    module = importlib.import_module(f"social_sandbox.alignment.{METHODS[name]}")
    classes = [
        found
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, AnyMethod) and found.__module__ == module.__name__
    ]
    assert len(classes) == 1, f"{module.__name__} must define one Method, not {len(classes)}"
    return classes[0]


def method_name(method: AnyMethod) -> str:
    """What `find_method` finds it by."""
    module = type(method).__module__
    own = {f"social_sandbox.alignment.{path}": name for name, path in METHODS.items()}
    return own.get(module, f"{module}.{type(method).__qualname__}")


def _theirs(path: str) -> type[AnyMethod]:
    module, _, name = path.rpartition(".")
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"method._target_: cannot import {path}: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, AnyMethod)):
        raise UserError(f"method._target_: {path} is no subclass of social_sandbox's Method")
    return found
