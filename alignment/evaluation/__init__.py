"""Held-out results, and how certain they are."""

from .config import EvaluateConfig
from .held_out import compare, measure
from .society import simulation_summary

__all__ = [
    "EvaluateConfig",
    "compare",
    "measure",
    "simulation_summary",
]
