"""Ways of doing the same work, run in turn; figures with their goals."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Way = Callable[[], float]
"""Does some work once; returns what a unit of it took (seconds, bytes, ...)."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should reach."""

    bound: float
    at_least: bool = True

    def met(self, value: float) -> bool:
        """Whether this value reaches it."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        """As it stands in a table."""
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what was measured, perhaps with a goal."""

    section: str
    name: str
    value: float
    unit: str
    goal: Goal | None = None

    @property
    def verdict(self) -> str:
        """Whether the goal is reached, in a word."""
        return "" if self.goal is None else "met" if self.goal.met(self.value) else "MISSED"


@dataclass(frozen=True, slots=True)
class Missing:
    """A figure that cannot be measured here, and why."""

    section: str
    name: str
    why: str


Row = Figure | Missing


@dataclass(frozen=True, slots=True)
class Costs:
    """What every way took, in every alternation."""

    of: Mapping[str, Sequence[float]]

    def median(self, way: str) -> float:
        """Of one way."""
        return statistics.median(self.of[way])

    def ratio(self, way: str, to: str) -> float:
        """How many times as costly one way is as another: the median over the alternations.

        Both of a pair ran within one alternation: what slowed the machine down slowed both.
        """
        pairs = zip(self.of[way], self.of[to], strict=True)
        return statistics.median(one / other for one, other in pairs)


def alternate(ways: Mapping[str, Way], times: int) -> Costs:
    """Run every way once, in order, and this so many times over."""
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            costs[name].append(way())
    return Costs(costs)
