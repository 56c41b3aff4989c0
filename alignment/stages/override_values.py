"""Values of settings on a command line, as Hydra's grammar reads them.

Hydra reads `lr=0.1` in a path, a path with an umlaut and a name such as `20240131` as errors or as
numbers. What is not in Hydra's grammar is a text, and so is every value of a setting that is a
text.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException

from social_sandbox.envs.errors import UserError

_NAME = re.compile(r"[+~]*[\w.@/]+")
_QUOTED = re.compile(r"'.*'|\".*\"", re.DOTALL)


def hydra_value(argument: str, texts: Collection[str], *, is_sweep: bool = False) -> str:
    """Return an argument `name=value` in Hydra's grammar; other arguments as they are.

    Args:
        argument: An argument of a command line.
        texts: Names of the settings whose values are texts.
        is_sweep: Whether `a,b` means two values.

    Raises:
        UserError: The argument has no name, or a list or a mapping is wrong.
    """
    name, equals, value = argument.partition("=")
    if equals and not name:
        raise UserError(f"{argument}: a setting is written NAME=VALUE")
    if not equals or not _NAME.fullmatch(name) or _QUOTED.fullmatch(value):
        return argument
    if value == "None":
        return f"{name}=null"
    parsed = _parsed(argument)
    if parsed is not None and not _is_misread(parsed, name.lstrip("+") in texts, is_sweep):
        return argument
    if name.lstrip("+") not in texts and value[:1] in ("[", "{"):
        # Such as a list of paths that are not in Hydra's grammar.
        return f"{name}={in_hydras_grammar(_structure(name, value))}"
    if is_sweep and parsed is None and "," in value:
        parts = [hydra_value(f"{name}={each}", texts) for each in value.split(",")]
        return f"{name}={','.join(part.partition('=')[2] for part in parts)}"
    return f"{name}={in_hydras_grammar(value)}"


def in_hydras_grammar(value: Any) -> str:
    """Return a plain value as it is written in an override."""
    if isinstance(value, Mapping):
        pairs = (f"{name}:{in_hydras_grammar(inner)}" for name, inner in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(in_hydras_grammar, value)) + "]"
    if isinstance(value, str):
        return QuotedString(value, Quote.single).with_quotes()
    return "null" if value is None else str(value)


def _parsed(argument: str) -> Override | None:
    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None


def _is_misread(override: Override, is_text: bool, is_sweep: bool) -> bool:
    """Return whether Hydra makes a number, a list or several values out of a text."""
    if not is_text or override.is_delete():
        return False
    if override.is_sweep_override():
        return not is_sweep
    return not (override.value() is None or isinstance(override.value(), str))


def _structure(name: str, value: str) -> Any:
    """Return the list or mapping that a text means in YAML."""
    try:
        structure = yaml.safe_load(value)
    except yaml.YAMLError:
        structure = None
    if not isinstance(structure, list | dict):
        raise UserError(f"{name}: {value} is no list and no mapping")
    return structure
