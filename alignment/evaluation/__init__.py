"""Measurements of models and societies, with estimates of how certain they are.

Three words for those who rate: an observer rates answers, in a society and on held-out questions. A
judge is the observer of a benchmark, which may also compare two answers. The rater of a candidate
in training data is whoever gave the rating: observers, people, or a data set.
"""

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
