"""Methods by name: those of this project, and those of installed packages.

A package adds a method by an entry point in the group `social_sandbox.methods` that names a
subclass of `Method`. `method=NAME` then chooses it, with the settings of its `config`.
"""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

from hydra.core.config_store import ConfigStore

from social_sandbox.envs.errors import UserError

from ..training.config import TrainingConfig
from ..training.method import Method

_CLASSES = {
    "chain_of_hindsight": "ChainOfHindsight",
    "dpo": "Dpo",
    "kto": "Kto",
    "rlhf": "Rlhf",
    "rrhf": "Rrhf",
    "sft": "Sft",
    "society_grpo": "SocietyGrpo",
    "stable_alignment": "StableAlignment",
}
"""The class of each method, in the module of its name."""


class _Methods(Mapping[str, type[Method]]):
    """Imports a method when it is used: some need torch and transformers."""

    def __getitem__(self, name: str) -> type[Method]:
        class_name = _CLASSES[name]
        kind: type[Method] = getattr(import_module(f"{__package__}.{name}"), class_name)
        return kind

    def __contains__(self, name: object) -> bool:
        return name in _CLASSES

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


METHODS: Mapping[str, type[Method]] = _Methods()
"""The methods of this project."""

GROUP = "social_sandbox.methods"
"""The group of entry points."""


def find_method(name: str) -> type[Method]:
    """Return the class of a method.

    Args:
        name: a name of this project or of an entry point, or `package.module.Class`.

    Raises:
        UserError: there is no such method, or it is not a subclass of `Method`.
    """
    if name in METHODS:
        return METHODS[name]
    if "." in name:
        module, _, attribute = name.rpartition(".")
        return _loaded(EntryPoint(name, f"{module}:{attribute}", GROUP), "method._target_")
    points = _entry_points()
    if name not in points:
        raise UserError(f"method: no method {name!r}; choose from {', '.join([*METHODS, *points])}")
    return _loaded(points[name], f"method {name}")


def method_name(kind: type[Method]) -> str:
    """Return the name that `find_method` finds a class by; it is recorded with what was trained."""
    name = kind.__module__.removeprefix(f"{__package__}.")
    if _CLASSES.get(name) == kind.__qualname__:
        return name
    return f"{kind.__module__}.{kind.__qualname__}"


def config_class(kind: type[Method]) -> type[TrainingConfig]:
    """Return the dataclass of a method's settings, by the annotation of its `config`.

    Raises:
        UserError: the annotation is no subclass of `TrainingConfig`.
    """
    try:
        config = get_type_hints(kind)["config"]
    except NameError as error:
        raise UserError(f"method {method_name(kind)}: the type of config: {error}") from error
    if not (inspect.isclass(config) and issubclass(config, TrainingConfig)):
        raise UserError(
            f"method {method_name(kind)}: the type of config must be a subclass of TrainingConfig, "
            f"not {config}"
        )
    return config


def default_settings(config: type[TrainingConfig]) -> dict[str, Any]:
    """Return the settings of a method by name, with their defaults; the seed is that of the run."""
    defaults: dict[str, Any] = {}
    for field in fields(config):
        if field.default_factory is not MISSING:
            defaults[field.name] = field.default_factory()
        else:
            defaults[field.name] = "???" if field.default is MISSING else field.default
    return {**defaults, "seed": "${seed}"}


def register(*names: str) -> None:
    """Make methods of installed packages choices of Hydra's group `method`.

    Only methods in `names` are registered, because their settings are found by importing them.
    """
    store = ConfigStore.instance()
    for name, point in _entry_points().items():
        if name in names:
            kind = _loaded(point, f"method {name}")
            store.store(
                name, {"name": name, **default_settings(config_class(kind))}, group="method"
            )


def _entry_points() -> dict[str, EntryPoint]:
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point for point in points if point.name not in METHODS}


def _loaded(point: EntryPoint, setting: str) -> type[Method]:
    path = point.value.replace(":", ".")
    try:
        kind: Any = point.load()
    except Exception as error:
        raise UserError(f"{setting}: cannot import {path}: {error}") from error
    if not (inspect.isclass(kind) and issubclass(kind, Method)):
        raise UserError(f"{setting}: {path} is not a subclass of {Method.__module__}.Method")
    return kind
