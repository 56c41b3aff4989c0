"""Hide what may be secret in settings, so that it is neither written to a file nor printed.

What is hidden follows from where a text stands: under the name of a secret, in a dictionary of
headers, in `extra` (further fields of every request to a server), or in the login and the query of
an address. Hydra and wandb record settings and command lines on their own; both get these copies.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HIDDEN = "***"

_SECRET = re.compile(
    r"(^|[._-])(api[_-]?key|access[_-]?key|private[_-]?key|secret([_-]?key)?|password|passwd|passphrase|pwd"
    r"|token|credentials?|authorization|bearer|cookies?|auth|signature)$"
    r"|(^|[._-])x-?key$",
    re.IGNORECASE,
)
_DICTIONARY = re.compile(r"(^|_)(headers|cookies|query)$", re.IGNORECASE)
"""Names of dictionaries that often hold secrets under any name."""

_EXTRA = frozenset({"extra", "extra_body"})
"""Names of the further fields of requests. Those of a method are options of a Trainer."""

_WORDS = frozenset(
    {"reasoning_effort", "effort", "verbosity", "service_tier", "type", "mode", "truncation"}
)
"""Fields of requests whose values are words of the protocol."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_RECIPES = frozenset({"policy", "observer", "embedder", "population"})


def without_secrets(value: Any, name: str = "") -> Any:
    """Return a copy of settings in which whatever may be secret is hidden.

    Args:
        value: Settings, or the value of one setting.
        name: The dotted name of the setting, which tells whether its value may be a secret.
    """
    return _shown(value, tuple(name.split(".")), [])


def without_secret(override: str) -> str:
    """Return an argument of the command line in which whatever may be secret is hidden."""
    return _shown_override(override, [])


def arguments_without_secrets(arguments: Sequence[str]) -> list[str]:
    """Return a command line without secrets, also of a script with options such as `--token`."""
    before = ["", *arguments]
    return [
        HIDDEN
        if option.startswith("-") and "=" not in option and _SECRET.search(option)
        else without_secret(argument)
        for option, argument in zip(before, arguments, strict=False)
    ]


def without_quoted(text: str, overrides: Iterable[str]) -> str:
    """Return a message that quotes nothing secret of a command line."""
    hidden: list[str] = []
    for override in overrides:
        _shown_override(override, hidden)
    # Shorter texts would be found inside of other words.
    for secret in sorted({each for each in hidden if len(each) > 3}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _shown(value: Any, path: tuple[str, ...], hidden: list[str]) -> Any:
    """Return a copy of a value without secrets, which are added to `hidden`."""
    if isinstance(value, Mapping):
        return {key: _shown(inner, (*path, str(key)), hidden) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(inner, path, hidden) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if _may_be_secret(value, path):
        hidden.append(str(value))
        return HIDDEN
    if not isinstance(value, str):
        return value
    return _ADDRESS.sub(lambda match: _shown_address(match[0], hidden), value)


def _may_be_secret(value: Any, path: tuple[str, ...]) -> bool:
    if any(_SECRET.search(name) for name in path):
        return True
    if any(map(_DICTIONARY.search, path)):
        # A number as small as this is none.
        return not isinstance(value, int | float) or abs(value) > 999
    if not isinstance(value, str):
        return False
    inside = next((place for place, name in enumerate(path) if name in _EXTRA), None)
    if inside is not None and "method" not in path[:inside]:
        return not (path[-1] in _WORDS and re.fullmatch("[a-z_]{1,12}", value))
    # Perhaps the key itself stands where the name of its variable should.
    return path[-1] == "api_key_env" and not _VARIABLE.fullmatch(value)


def _shown_address(address: str, hidden: list[str]) -> str:
    """Return an address without its login, its query and its fragment."""
    scheme, _, rest = address.partition("://")
    rest, *query = re.split(r"[?#]", rest, maxsplit=1)
    host, slash, path = rest.partition("/")
    login, at, host = host.rpartition("@")
    hidden += [login, *login.split(":", 1)]
    if query:
        hidden += [query[0], *(part.partition("=")[2] for part in re.split("[&#]", query[0]))]
    end = address[len(f"{scheme}://{rest}")] + HIDDEN if query else ""
    return f"{scheme}://{HIDDEN + at if at else ''}{host}{slash}{path}{end}"


def _shown_override(override: str, hidden: list[str]) -> str:
    name, equals, text = override.partition("=")
    path = tuple(name.lstrip("+~-").split("."))
    if not equals:
        return override
    if text[:1] not in ("{", "[") and "{" not in text:
        return f"{name}={_shown(text, path, hidden)}"
    value = _structure(text)
    if value is not None:
        shown = _shown(value, path, hidden)
        return f"{name}={_in_grammar(shown)}" if HIDDEN in str(shown) else override
    if path[0] in _RECIPES or _ADDRESS.search(text) or _may_be_secret(text, path):
        # A value that cannot be read may have a secret in any of its parts.
        hidden += [text, *re.split(r"[\s{}\[\],:'\"=]+", text)]
        return f"{name}={HIDDEN}"
    return override


def _structure(text: str) -> Any:
    """Return a list or a mapping in Hydra's grammar; None for anything else, such as a sweep."""
    # Only now, since every command imports this module.
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(f"x={text}")
    except HydraException:
        return None
    return None if override.is_sweep_override() else override.value()


def _in_grammar(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_in_grammar(v)}" for name, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_grammar, value)) + "]"
    return "null" if value is None else str(value)
