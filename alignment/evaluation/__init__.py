"""Held-out results, with estimates of how certain they are."""

from .comparison import Comparison, compare
from .config import EvaluateConfig
from .held_out import HeldOutResults, measure
from .intervals import Estimate
from .society import simulation_summary

__all__ = [
    "Comparison",
    "Estimate",
    "EvaluateConfig",
    "HeldOutResults",
    "compare",
    "measure",
    "simulation_summary",
]
