"""The methods of alignment: one file a method, and a registry of their names."""

from .registry import METHODS, config_class, find_method, method_name

__all__ = ["METHODS", "config_class", "find_method", "method_name"]
