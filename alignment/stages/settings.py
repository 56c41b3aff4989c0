"""Hydra's configuration, validated and turned into the dataclasses of the code."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_type_hints

from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf
from pydantic import AfterValidator, Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.world_config import WorldConfig
from social_sandbox.envs.settings import settings_dataclass, validated
from social_sandbox.policies.registry import build as build
from social_sandbox.policies.society.account import Budget
from social_sandbox.policies.society.engines.config import EngineConfig
from social_sandbox.policies.society.progress import ShowProgress

from ..data.config import DataConfig
from ..data.export import ExportConfig
from ..evaluation.config import EvaluateConfig
from ..methods import config_class, find_method
from ..reporting.tracking.config import WandbConfig
from ..training.method import Method
from .override_values import hydra_value
from .society.shards import check_shard


@settings_dataclass("")
class Settings:
    """All settings of one run.

    `policy`, `observer`, `embedder` and the players of `population` are recipes with a `_target_`,
    which `build` turns into objects.
    """

    seed: int
    output_dir: Path
    overwrite: bool
    progress: ShowProgress
    questions: Path | None
    priors: str | None
    n_worlds: Annotated[int, Field(ge=1)]
    shard: Annotated[str, AfterValidator(check_shard)] | None
    engine: EngineConfig
    env: WorldConfig
    policy: dict[str, Any]
    observer: dict[str, Any]
    embedder: dict[str, Any]
    population: list[dict[str, Any]] | None
    budget: Budget
    interactions: Path | None
    data: DataConfig
    groups: Path | None
    export: ExportConfig
    base_model: str
    chat_template: Path | None
    method: Method
    evaluate: EvaluateConfig
    wandb: WandbConfig
    cycles: Annotated[int, Field(ge=1)]


SECTIONS: dict[str, type] = {
    "env": WorldConfig,
    "budget": Budget,
    "engine": EngineConfig,
    "data": DataConfig,
    "export": ExportConfig,
    "evaluate": EvaluateConfig,
    "wandb": WandbConfig,
}
"""The sections of the configuration that are one dataclass each."""


_RECIPES = ("policy", "observer", "embedder")
_TEXTS_OF_RECIPES = (
    *("name", "model", "adapter", "adapter_name", "server_dir"),
    *("api_key_env", "chat_template", "head"),
)


def read_settings(config: DictConfig) -> Settings:
    """Return the settings of a composed configuration.

    Raises:
        UserError: A setting does not exist or has a wrong value; the message names the first.
    """
    removed = {each.name for each in fields(Settings)} - {str(name) for name in config}
    if removed:
        raise UserError(f"{min(removed)}: cannot be removed")
    for section in (*SECTIONS, "method"):
        # Other settings refer into sections, and would be named first.
        _mapping(OmegaConf.to_container(config)[section], section)  # type: ignore[call-overload, index]
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    values = {str(name): _with_home(value) for name, value in plain.items()}
    for name in text_settings():
        _refuse_empty(name, values)
    if not isinstance(values["seed"], int):
        # Other sections refer to the seed, and would be named first.
        raise UserError(f"seed: must be a whole number, got {values['seed']!r}")
    for name, kind in SECTIONS.items():
        values[name] = validated(kind, _mapping(values[name], name))
    values["method"] = _method(_mapping(values["method"], "method"))
    return validated(Settings, values)


def _with_home(value: Any) -> Any:
    """Return a setting with `~` at the start of a path replaced by the user's home."""
    if isinstance(value, dict):
        return {name: _with_home(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_home(inner) for inner in value]
    if isinstance(value, str) and (value == "~" or value.startswith("~/")):
        return str(Path(value).expanduser())
    return value


def _refuse_empty(name: str, values: Mapping[str, Any]) -> None:
    """Raise UserError for an empty text: as a path it would mean the working folder."""
    section, _, rest = name.rpartition(".")
    found = values.get(section, {}) if section else values
    if isinstance(found, Mapping) and found.get(rest) == "":
        raise UserError(f"{name}: is empty; null means none")


def _mapping(values: Any, section: str) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise UserError(f"{section}: must be a mapping of settings, got {values!r}")
    return values


def compose_settings(*overrides: str) -> Settings:
    """Return the settings of a command line, such as `compose_settings("env.grid_size=6")`.

    Raises:
        UserError: A setting has a wrong value.
        HydraException: A setting does not exist.
    """
    return read_settings(compose_config(*overrides))


def compose_config(*overrides: str) -> DictConfig:
    """Return the whole configuration of a command line.

    Raises:
        HydraException: A setting does not exist.
    """
    with initialize_config_module("social_sandbox.configs", version_base="1.3"):
        return compose("config", [hydra_value(each, text_settings()) for each in overrides])


@cache
def text_settings() -> frozenset[str]:
    """Return the names of the settings whose values are texts: names, models and paths."""
    # The groups of choices: a number is no choice.
    names = {*_RECIPES, "engine", "method", "wandb"}
    names |= {
        f"{section}.{name}" for section in _RECIPES for name in (*_TEXTS_OF_RECIPES, "_target_")
    }
    for section, kind in {"": Settings, **SECTIONS}.items():
        for name, annotation in get_type_hints(kind).items():
            if {annotation, *get_args(annotation)} <= {
                str,
                Path,
                str | None,
                Path | None,
                NoneType,
            }:
                names.add(f"{section}.{name}".lstrip("."))
    return frozenset(names)


def _method(values: Mapping[str, Any]) -> Method:
    settings = {name: value for name, value in values.items() if name not in ("name", "_target_")}
    name = str(values.get("_target_") or values["name"])
    kind = find_method(name)
    return kind(validated(config_class(kind), settings, owner=name, section="method"))
