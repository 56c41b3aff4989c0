"""Hydra's configuration, checked and turned into the dataclasses of the code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pydantic import TypeAdapter, ValidationError

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.envs.world_config import WorldConfig
from social_sandbox.policies.society.account import Budget

from ..data.config import DataConfig
from ..data.export import ExportConfig
from ..evaluation.config import EvaluateConfig
from ..methods import AnyMethod, find_method
from ..reporting.wandb_config import Before, WandbConfig

Section = TypeVar("Section")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One run. `policy`, `observer` and `embedder` are still recipes: see `build`."""

    seed: int
    output_dir: Path
    overwrite: bool
    progress: bool
    questions: Path | None
    priors: str | None
    n_worlds: int
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
    method: AnyMethod
    evaluate: EvaluateConfig
    wandb: WandbConfig
    cycles: int
    cycle: int = 0
    """Which cycle of an online run this is; not a setting of users."""
    before: Before = field(default_factory=Before)
    """What came before this cycle; not a setting of users."""
    beside: Path | None = None
    """Folder of the sweep or of the online run that this is a part of; not a setting of users."""

    @property
    def shared_dir(self) -> Path:
        """Where what other parts can use, too, is kept."""
        return self.beside or self.output_dir

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        if self.n_worlds < 1:
            raise UserError(f"n_worlds must be at least 1, got {self.n_worlds}")
        if self.cycles < 1:
            raise UserError(f"cycles must be at least 1, got {self.cycles}")


_SECTIONS: dict[str, type] = {
    "env": WorldConfig,
    "budget": Budget,
    "data": DataConfig,
    "export": ExportConfig,
    "evaluate": EvaluateConfig,
    "wandb": WandbConfig,
}


def read_settings(config: DictConfig) -> Settings:
    """Check every setting. Raises UserError naming the first one that is wrong."""
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    values = {str(name): value for name, value in plain.items()}
    if not isinstance(values["seed"], int):
        raise UserError(f"seed: must be a whole number, got {values['seed']!r}")
    for name, kind in _SECTIONS.items():
        values[name] = checked(kind, values[name], name)
    values["method"] = _method(values["method"])
    return checked(Settings, values, "")


def _method(values: Mapping[str, Any]) -> AnyMethod:
    own = {name: value for name, value in values.items() if name not in ("name", "_target_")}
    name = str(values.get("_target_") or values["name"])
    return checked(find_method(name), own, "method", f" of {name}")


def checked(
    kind: type[Section], values: Mapping[str, Any], section: str, whose: str = ""
) -> Section:
    """A dataclass out of plain values. Raises UserError naming section and setting.

    `whose` follows "no such setting".
    """
    # Of a plain dataclass pydantic passes over what it does not know.
    known = list(signature(kind).parameters)
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {'.'.join(filter(None, (section, near[0])))!r}?" if near else ""
            raise UserError(
                f"{'.'.join(filter(None, (section, name)))}: no such setting{whose}{hint}"
            )
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        raise UserError(_first_problem(error, section, whose)) from error


def build(recipe: Mapping[str, Any], section: str) -> Any:
    """What a recipe with `_target_` describes. Raises UserError naming the section."""
    try:
        return instantiate({"_convert_": "all", **recipe})
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, UserError):
            raise cause from error
        if isinstance(cause, ValidationError):
            raise UserError(_first_problem(cause, section)) from error
        raise UserError(f"{section}: {first_words(cause or error)}") from error


def _first_problem(error: ValidationError, section: str, whose: str = "") -> str:
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, UserError):
        return str(cause)
    setting = ".".join(filter(None, (section, *map(str, first["loc"]))))
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{setting}: no such setting{whose}"
    return f"{setting}: {first['msg']}, got {first['input']!r}"
