"""Hide keys and passwords in settings, so that they are never written to a file."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
_SECRET = re.compile(
    r"(^|[._])(api_?key|access_?key|secret|password|passwd|token|credentials?)$", re.IGNORECASE
)
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")


def without_secrets(value: Any, name: str = "") -> Any:
    """Return a copy of settings in which keys, passwords and logins inside URLs are hidden.

    Args:
        value: Settings, or the value of one setting.
        name: The name of the setting, which tells whether its value is a secret.
    """
    if isinstance(value, Mapping):
        return {key: without_secrets(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value]
    if value is not None and _SECRET.search(name):
        return HIDDEN
    return _LOGIN.sub(f"{HIDDEN}@", value) if isinstance(value, str) else value


def without_secret(override: str) -> str:
    """Return an argument of the command line with its key, password or login hidden."""
    name, equals, value = override.partition("=")
    if not equals:
        return override
    return f"{name}={without_secrets(value, name.lstrip('+~'))}"
