"""Measurements with their goals, and ways of doing the same work that are timed in turn."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Way = Callable[[], float]
"""Does some work once and returns the cost of a unit, such as seconds or bytes."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a measurement should reach."""

    bound: float
    at_least: bool = True

    def met(self, value: float) -> bool:
        """Return whether a value reaches the bound."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        """Return the goal as a table shows it."""
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the table: a measured value, perhaps with a goal."""

    section: str
    name: str
    value: float
    unit: str
    goal: Goal | None = None

    @property
    def verdict(self) -> str:
        """`met` or `MISSED`; empty without a goal."""
        return "" if self.goal is None else "met" if self.goal.met(self.value) else "MISSED"


@dataclass(frozen=True, slots=True)
class Missing:
    """A measurement that cannot be made on this machine, and why."""

    section: str
    name: str
    why: str


Row = Measurement | Missing


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of each way in each alternation.

    Attributes:
        of: Costs by way.
    """

    of: Mapping[str, Sequence[float]]

    def median(self, way: str) -> float:
        """Return the median cost of a way."""
        return statistics.median(self.of[way])

    def ratio(self, way: str, to: str) -> float:
        """Return the ratio of the costs of two ways, as the median over the alternations.

        The costs of a pair come from one alternation, so that a slower machine slows both.
        """
        pairs = zip(self.of[way], self.of[to], strict=True)
        return statistics.median(one / other for one, other in pairs)


def alternate(ways: Mapping[str, Way], times: int) -> Costs:
    """Run each way once, in order, and repeat this `times` times."""
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            costs[name].append(way())
    return Costs(costs)
