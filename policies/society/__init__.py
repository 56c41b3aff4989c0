"""Populations of policies, and the rollout that plays worlds with them."""

from .account import Account, Budget, BudgetReached
from .population import Player, Population
from .rollout import rollout
from .simulate import simulate

__all__ = [
    "Account",
    "Budget",
    "BudgetReached",
    "Player",
    "Population",
    "rollout",
    "simulate",
]
