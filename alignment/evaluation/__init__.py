"""Measurements of models and societies, with estimates of how certain they are.

Three words for those who rate: an observer rates answers, in a society and on held-out questions. A
judge is the observer of a benchmark, which may also compare two answers. The rater of a candidate
in training data is whoever gave the rating: observers, people, or a data set.
"""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

if TYPE_CHECKING:
    from .comparison import Comparison as Comparison
    from .comparison import compare as compare
    from .config import EvaluateConfig as EvaluateConfig
    from .held_out import HeldOutResults as HeldOutResults
    from .held_out import measure as measure
    from .intervals import Estimate as Estimate
    from .society import simulation_summary as simulation_summary

_PLACES = {
    "Comparison": "comparison",
    "Estimate": "intervals",
    "EvaluateConfig": "config",
    "HeldOutResults": "held_out",
    "compare": "comparison",
    "measure": "held_out",
    "simulation_summary": "society",
}
__all__ = list(_PLACES)
__getattr__ = on_use(__name__, _PLACES)
