"""The cost of a simulation so far, and its limits."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from social_sandbox.envs.rules.interactions import Answer, Feedback, Observation
from social_sandbox.envs.rules.turns import Tokens, Utterance
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.settings import settings_dataclass


class BudgetReached(Exception):
    """A run has reached its budget; with a larger budget, the same run resumes."""


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
    """The tokens, requests and money that were spent so far, by the name of the policy."""

    by_policy: dict[str, Tokens] = field(default_factory=dict)

    @classmethod
    def of(cls, worlds: Iterable[World]) -> "Account":
        """Return the cost of all utterances in the logs of some worlds."""
        account = cls()
        account.add(utterance for world in worlds for _, utterance in world.log)
        return account

    def add(self, utterances: Iterable[Utterance | Answer | Feedback | Observation]) -> None:
        """Add the cost of utterances, or of the records of utterances in interactions."""
        for utterance in utterances:
            spent = self.by_policy.get(utterance.policy, Tokens())
            self.by_policy[utterance.policy] = spent + utterance.tokens

    def __add__(self, other: "Account") -> "Account":
        """Return the sum of two accounts."""
        result = Account(dict(self.by_policy))
        for name, tokens in other.by_policy.items():
            result.by_policy[name] = result.by_policy.get(name, Tokens()) + tokens
        return result

    @property
    def total(self) -> Tokens:
        """The cost of all policies."""
        return sum(self.by_policy.values(), Tokens())

    def check(self, budget: Budget) -> None:
        """Raise BudgetReached if a limit of the budget is reached."""
        total = self.total
        spent = {"tokens": total.prompt + total.completion, "usd": total.usd}
        for name, used in spent.items():
            limit = getattr(budget, name)
            if limit is not None and used >= limit:
                raise BudgetReached(f"budget.{name}: {used:,.6g} of {limit:,.6g} spent")
