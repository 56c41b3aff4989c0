"""Settings that are lists."""

from typing import Any

from pydantic import BeforeValidator


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float | dict) else value


one_or_many = BeforeValidator(_as_list)
"""For annotations: a single name or mapping is read as a list with one entry."""
