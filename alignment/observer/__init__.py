"""Fitting the head of the embedded observer to preferences."""

from .fit import train_value_head

__all__ = ["train_value_head"]
