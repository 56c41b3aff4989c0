"""Who speaks: policies, populations of them, and the rollout that plays worlds with them."""

from .adapt import as_policy
from .policy import AsyncPolicy, Policy
from .scripted import ScriptedPolicy
from .society import solo
from .society.account import Budget, BudgetReached
from .society.population import Player, Population
from .society.rollout import rollout
from .society.simulate import simulate

__all__ = [
    "AsyncPolicy",
    "Budget",
    "BudgetReached",
    "Player",
    "Policy",
    "Population",
    "ScriptedPolicy",
    "as_policy",
    "rollout",
    "simulate",
]

solo.register()
