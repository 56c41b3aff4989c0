"""The embedded observer's head: how it is fitted to preferences."""

from .fit import train_value_head

__all__ = [
    "train_value_head",
]
