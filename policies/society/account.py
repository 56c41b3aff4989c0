"""What a simulation has cost so far, and how much it may cost."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from social_sandbox.envs.interactions import Answer, Feedback, Observation
from social_sandbox.envs.settings import settings_dataclass
from social_sandbox.envs.turns import Tokens, Utterance
from social_sandbox.envs.world import World


class BudgetReached(Exception):
    """A run has spent what it may spend. What was said is on disk; a larger budget goes on."""


@settings_dataclass("budget")
class Budget:
    """Limits of one simulation, over all of its resumes.

    The limits are checked after every answer. Requests under way at that moment are completed, so
    a run spends a little more than its limit.
    """

    tokens: Annotated[int, Field(gt=0)] | None = None
    usd: Annotated[float, Field(gt=0)] | None = None


@dataclass
class Account:
    """Running sums by policy."""

    by_policy: dict[str, Tokens] = field(default_factory=dict)

    @classmethod
    def of(cls, worlds: Iterable[World]) -> "Account":
        """What was spent for what these worlds have heard."""
        account = cls()
        account.add(utterance for world in worlds for _, utterance in world.log)
        return account

    def add(self, utterances: Iterable[Utterance | Answer | Feedback | Observation]) -> None:
        """Count what was said, or the records of it."""
        for said in utterances:
            self.by_policy[said.policy] = self.by_policy.get(said.policy, Tokens()) + said.tokens

    def __add__(self, other: "Account") -> "Account":
        """What was spent in both."""
        together = Account(dict(self.by_policy))
        for name, tokens in other.by_policy.items():
            together.by_policy[name] = together.by_policy.get(name, Tokens()) + tokens
        return together

    @property
    def total(self) -> Tokens:
        """All policies together."""
        return sum(self.by_policy.values(), Tokens())

    def check(self, budget: Budget) -> None:
        """Raise BudgetReached where a limit is."""
        total = self.total
        spent = {"tokens": total.prompt + total.completion, "usd": total.usd}
        for name, used in spent.items():
            limit = getattr(budget, name)
            if limit is not None and used >= limit:
                raise BudgetReached(f"budget.{name}: {used:,.6g} of {limit:,.6g} spent")
