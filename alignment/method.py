"""The former place of `Method`: recipes and recorded settings still name it."""

from .training.method import Method

__all__ = ["Method"]
