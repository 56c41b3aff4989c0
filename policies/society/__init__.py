"""Populations of policies, and the functions that play worlds with them."""

from typing import TYPE_CHECKING

from social_sandbox.envs.lazy import on_use

from .account import Account, Budget, BudgetReached
from .population import Cast, Player, Population
from .rollout import rollout
from .simulate import simulate
from .solo import SoloEnv

if TYPE_CHECKING:
    from ..learning.play import play_group as play_group
    from ..learning.play import play_groups as play_groups

__all__ = [
    "Account",
    "Budget",
    "BudgetReached",
    "Cast",
    "Player",
    "Population",
    "SoloEnv",
    "play_group",
    "play_groups",
    "rollout",
    "simulate",
]
# These need torch, which takes seconds to import.
__getattr__ = on_use(
    "social_sandbox.policies", {"play_group": "learning", "play_groups": "learning"}
)
