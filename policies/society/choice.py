"""Choices of agents, by name, by place on the grid, by lot, and by what they are asked to do."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Annotated, TypeVar

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.grid import position
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import Phase
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.settings import settings_dataclass

Span = tuple[int, int]
"""First and last row or column."""

SOCIAL_PHASES = (Phase.DRAFT, Phase.FEEDBACK, Phase.REVISE)
"""The phases in which social agents act, of their own Back-Scatter and of their peers'."""


@settings_dataclass("population")
class Choice:
    """A choice of agents, and of what they do.

    Attributes:
        select: Name of an agent, or a pattern such as `social_*`.
        share: Share of the agents that `select`, `rows` and `columns` choose; None means all of
            them. Those with the same choice divide it at random, by the seed of the world.
        rows: First and last row of the grid; chooses social agents only.
        columns: First and last column of the grid, likewise.
        phases: The phases that count, such as `feedback`; None means all.
    """

    select: str = "*"
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    rows: Span | None = None
    columns: Span | None = None
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] | None = None

    def candidates(self, world: World) -> list[str]:
        """Return the agents whom the choice is of, without `share`, in the world's order."""
        size = world.config.grid_size
        agents = [
            agent
            for index, agent in enumerate(world.social_agents)
            if self._covers(position(index, size))
        ]
        if self.rows is None and self.columns is None:
            agents += world.observers
        return [
            agent
            for agent in agents
            if fnmatchcase(agent, self.select) and self.phases_of(world, agent)
        ]

    def phases_of(self, world: World, agent: str) -> tuple[Phase, ...]:
        """Return the phases of an agent that count."""
        phases = (Phase.OBSERVE,) if agent in world.observers else SOCIAL_PHASES
        return tuple(phase for phase in phases if self.phases is None or phase in self.phases)

    def _covers(self, place: tuple[int, int]) -> bool:
        """Return whether (row, column) lies within `rows` and `columns`."""
        spans = zip(place, (self.rows, self.columns), strict=True)
        return all(span is None or span[0] <= at <= span[1] for at, span in spans)

    @property
    def place(self) -> str:
        """The choice in words, without phases; equal shares of equal places are the same agents."""
        spans = {"rows": self.rows, "columns": self.columns}
        parts = [f"{name} {span[0]}-{span[1]}" for name, span in spans.items() if span]
        return ", ".join([f"select {self.select!r}", *parts])

    def __str__(self) -> str:
        """Return the choice in words; those with the same text have the same choice."""
        return self.place if self.phases is None else f"{self.place}, {' and '.join(self.phases)}"


Chosen = TypeVar("Chosen", bound=Choice)


def claims(
    choices: Sequence[Chosen], world: World, setting: str
) -> dict[tuple[str, Phase], Chosen]:
    """Return whose choice each (agent, phase) of a world is; of those that are anybody's.

    Args:
        choices: The choices.
        world: The world.
        setting: Name of the setting that gave them, for error messages.

    Raises:
        UserError: A choice is of nobody, shares add up to more than 1, or two choices overlap.
    """
    claimed: dict[tuple[str, Phase], Chosen] = {}
    for agent, choice in _dealt(choices, world, setting):
        for phase in choice.phases_of(world, agent):
            if (agent, phase) in claimed:
                raise UserError(
                    f"{setting}: {agent} of {world.name} is claimed twice: "
                    f"by {claimed[agent, phase]} and by {choice}"
                )
            claimed[agent, phase] = choice
    return claimed


def _dealt(choices: Sequence[Chosen], world: World, setting: str) -> list[tuple[str, Chosen]]:
    """Return every agent that a choice is of, with the choice."""
    dealt: list[tuple[str, Chosen]] = []
    for words, group in groupby(sorted(choices, key=str), key=str):
        same = list(group)
        agents = same[0].candidates(world)
        if not agents:
            raise UserError(f"{setting}: {words} chooses nobody in {world.name}")
        dealt += [(agent, each) for each in same if each.share is None for agent in agents]
        sharing = [each for each in same if each.share is not None]
        total = sum(each.share or 0 for each in sharing)
        if total > 1 + 1e-9:
            raise UserError(f"{setting}: the shares of {words} add up to {total:g}, above 1")
        # A random order of the agents, in which each choice gets a contiguous part.
        lot = same[0].place
        shuffled = sorted(agents, key=lambda agent: key(world.seed, "population", lot, agent))
        start = end = 0.0
        for each in sharing:
            end += each.share or 0
            part = slice(round(start * len(shuffled)), round(end * len(shuffled)))
            dealt += [(agent, each) for agent in shuffled[part]]
            start = end
    return dealt
