"""Populations of policies, and the functions that play worlds with them."""

from .account import Account, Budget, BudgetReached
from .population import Cast, Player, Population
from .rollout import rollout
from .simulate import simulate
from .solo import SoloEnv

__all__ = [
    "Account",
    "Budget",
    "BudgetReached",
    "Cast",
    "Player",
    "Population",
    "SoloEnv",
    "rollout",
    "simulate",
]
