"""Settings dataclasses: fields that validate themselves, and errors that name the setting.

A group of settings is declared once, as a frozen dataclass with the section that it has in
`configs/`. Bounds and choices are part of a field's type::

    @settings_dataclass("env")
    class WorldConfig:
        grid_size: Annotated[int, Field(ge=1)] = 4
        interaction: Literal["local", "global"] = "local"
        radius: Annotated[float, Field(ge=0)] | None = None

        def __post_init__(self) -> None:
            if self.interaction == "global" and self.radius is not None:
                raise UserError("env.radius: needs env.interaction=local")

`WorldConfig(grid_size=0)` raises UserError("env.grid_size: must be at least 1, got 0"), and so
does `validated(WorldConfig, {"grid_size": 0})`, which also accepts the plain dataclasses of
other packages that inherit from one of ours. Rules about several fields stay code in
`__post_init__`. Every float must be finite. A default that is a list or a mapping is written with
`dataclasses.field(default_factory=...)`.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields, is_dataclass
from difflib import get_close_matches
from operator import index
from typing import Any, TypeVar, cast, dataclass_transform, get_args, get_type_hints

import pydantic
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from .errors import UserError

Settings = TypeVar("Settings")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def settings_dataclass(section: str) -> Callable[[type[Settings]], type[Settings]]:
    """Return a decorator that makes a class a frozen, validated, keyword-only dataclass.

    Args:
        section: Where `configs/` has these settings, such as `env` or `method.lora`; messages
            about a setting begin with it.
    """
    config = ConfigDict(extra="forbid", allow_inf_nan=False)

    def decorate(plain: type[Settings]) -> type[Settings]:
        kind: Any = pydantic.dataclasses.dataclass(plain, frozen=True, kw_only=True, config=config)
        initialise = kind.__init__

        @functools.wraps(initialise)
        def __init__(self: Any, **values: Any) -> None:
            try:
                initialise(self, **values)
            except ValidationError as error:
                raise as_user_error(error, kind) from error

        kind.__init__ = __init__
        kind.__settings_section__ = section
        return cast(type[Settings], kind)

    return decorate


def validated(
    kind: type[Settings], values: Mapping[str, Any], *, owner: str = "", section: str | None = None
) -> Settings:
    """Return the settings dataclass `kind` made from plain values.

    Args:
        kind: A settings dataclass, or any dataclass that inherits from one.
        values: Its settings by name.
        owner: Whose settings these are, such as `sft`; named where a setting does not exist.
        section: Begins the message instead of the section that `kind` was declared with.

    Raises:
        UserError: A setting does not exist or has a wrong value; the message names the first.
    """
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        raise as_user_error(error, kind, owner=owner, section=section) from error


def parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names of the named parameters of a function or class."""
    return [
        name
        for name, each in inspect.signature(function).parameters.items()
        if name != "self" and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]


def check_names(section: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise UserError if a name is not known; the message names the nearest known name.

    Args:
        section: What the names belong to; begins the message.
        given: The names to check.
        known: The names that there are.
    """
    known = list(known)
    for name in given:
        if name not in known:
            raise _no_such_setting(section, (name,), known)


def whole_number(value: object, setting: str) -> int:
    """Return a whole number as an int, since keys of randomness tell it from NumPy's integers.

    Raises:
        UserError: The value is no whole number; the message names the setting.
    """
    try:
        return index(value)  # type: ignore[arg-type]
    except TypeError:
        raise UserError(f"{setting}: must be a whole number, got {_shown(value):.80}") from None


def as_user_error(
    error: ValidationError,
    kind: type | None = None,
    *,
    owner: str = "",
    section: str | None = None,
) -> UserError:
    """Return pydantic's error as one readable line about the first wrong setting.

    Args:
        error: The error that pydantic raised.
        kind: The dataclass that was validated, whose fields give near matches of a misspelt name.
        owner: See `validated`.
        section: Begins the message; None means the section that `kind` was declared with.
    """
    errors = error.errors(include_url=False)
    first = errors[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, UserError):
        return cause
    if section is None:
        section = str(getattr(kind, "__settings_section__", ""))
    path = _path(first)
    setting = ".".join(filter(None, (section, *path)))
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return _no_such_setting(section, path, _field_names(kind, path[:-1]), owner)
    if first["type"] in ("missing", "missing_keyword_only_argument"):
        return UserError(f"{setting}: is missing")
    if first["type"] == "value_error":
        return UserError(": ".join(filter(None, (setting, str(cause)))))
    # Each alternative of a union has an error of its own.
    wanted = dict.fromkeys(_requirement(each) for each in errors if _path(each) == path)
    return UserError(
        f"{setting}: must be {' or '.join(wanted)}, got {_shown(first['input'])}"
        f"{_near_choice(first)}"
    )


def _no_such_setting(
    section: str, path: tuple[str, ...], known: Iterable[str], owner: str = ""
) -> UserError:
    """Return the error for a setting that does not exist, with the nearest name among `known`."""
    near = get_close_matches(path[-1], list(known), n=1)
    of = f" of {owner}" if owner else ""
    hint = f"; did you mean {'.'.join(filter(None, (section, *path[:-1], *near)))!r}?"
    setting = ".".join(filter(None, (section, *path)))
    return UserError(f"{setting}: no such setting{of}{hint if near else ''}")


_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("below", "lt"),
}
_KINDS = {
    "bool": "true or false",
    "dataclass": "a mapping of settings",
    "dict": "a mapping",
    "finite": "a finite number",
    "float": "a number",
    "int": "a whole number",
    "is": "a value of another type",
    "list": "a list",
    "none": "null",
    "path": "a path",
    "string": "a text",
    "tuple": "a list",
}
"""What a field must be, by the first word of the type of pydantic's error."""
_ALTERNATIVES = {
    *("bool", "float", "int", "str"),
    *("constrained-float", "constrained-int", "constrained-str"),
}
"""Pydantic's names of the alternatives of a union, which are no part of a setting's name."""


def _requirement(error: ErrorDetails) -> str:
    """Return what the value must be, as words that follow `must be`."""
    context = error.get("ctx", {})
    if error["type"] in _BOUNDS:
        words, name = _BOUNDS[error["type"]]
        return f"{words} {context[name]:.12g}"
    if error["type"] in ("literal_error", "enum"):
        return str(context["expected"]).replace("'", "")
    if error["type"] == "too_short":
        return "a list with at least one entry"
    return _KINDS.get(error["type"].partition("_")[0], f"valid ({error['msg'].lower()})")


def _near_choice(error: ErrorDetails) -> str:
    """Return a hint at the choice that a misspelt one may mean, or an empty text."""
    if error["type"] not in ("literal_error", "enum") or not isinstance(error["input"], str):
        return ""
    choices = re.findall("'([^']*)'", str(error["ctx"]["expected"]))
    near = get_close_matches(error["input"], choices, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _path(error: ErrorDetails) -> tuple[str, ...]:
    """Return the setting's place below its section, without pydantic's names of alternatives."""
    return tuple(
        str(part)
        for place, part in enumerate(error["loc"])
        if isinstance(part, int)
        or (part.replace("-", "_").isidentifier() and not (place and part in _ALTERNATIVES))
    )


def _field_names(kind: type | None, path: tuple[str, ...]) -> list[str]:
    """Return the names of the settings of the dataclass that lies at `path` below `kind`."""
    for part in path:
        if kind is not None and not part.isdecimal():
            kind = _dataclass_in(get_type_hints(kind).get(part))
    return [each.name for each in fields(kind)] if is_dataclass(kind) else []


def _dataclass_in(annotation: Any) -> type | None:
    """Return the first settings dataclass that a field's type mentions."""
    if hasattr(annotation, "__settings_section__"):
        return cast(type, annotation)
    return next(filter(None, map(_dataclass_in, get_args(annotation))), None)


def _shown(value: object) -> str:
    """Return a value as it is written in YAML, where Python writes it differently."""
    return "null" if value is None else repr(value)
