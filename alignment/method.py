"""The contract of a method, under the name by which methods of other packages import it."""

from .training.method import Method

__all__ = ["Method"]
