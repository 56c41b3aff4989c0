"""Who speaks: policies, populations of them, and the rollout that plays worlds with them."""

from . import solo
from .account import Budget, BudgetReached
from .adapt import as_policy
from .policy import AsyncPolicy, Policy
from .population import Player, Population
from .rollout import rollout
from .scripted import ScriptedPolicy
from .simulate import simulate

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
