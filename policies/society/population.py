"""Populations, which map the agents of societies to policies."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Annotated, Any

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.grid import position
from social_sandbox.envs.seeding import key
from social_sandbox.envs.settings import settings_dataclass
from social_sandbox.envs.world import World

from ..adapt import as_policy
from ..policy import Policy

Span = tuple[int, int]
"""First and last row or column."""

Cast = dict[tuple[str, str], Policy]
"""The policy of each (world, agent)."""


@settings_dataclass("population")
class Player:
    """A policy and the agents that it plays.

    Attributes:
        policy: The policy, or any agent that `as_policy` accepts.
        select: Name of an agent, or a pattern such as `social_*`.
        share: Share of the agents that `select`, `rows` and `columns` choose; None means all of
            them. Players with the same choice divide it at random, by the seed of the world.
        rows: First and last row of the grid; chooses social agents only.
        columns: First and last column of the grid, likewise.
    """

    policy: Any
    select: str = "*"
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    rows: Span | None = None
    columns: Span | None = None

    def candidates(self, world: World) -> list[str]:
        """Return the agents that `select`, `rows` and `columns` choose, in the world's order."""
        size = world.config.grid_size
        agents = [
            agent
            for index, agent in enumerate(world.social_agents)
            if self._covers(position(index, size))
        ]
        if self.rows is None and self.columns is None:
            agents += world.observers
        return [agent for agent in agents if fnmatchcase(agent, self.select)]

    def _covers(self, place: tuple[int, int]) -> bool:
        """Return whether (row, column) lies within `rows` and `columns`."""
        spans = zip(place, (self.rows, self.columns), strict=True)
        return all(span is None or span[0] <= at <= span[1] for at, span in spans)

    def __str__(self) -> str:
        """Return the choice in words; players with the same text have the same choice."""
        spans = {"rows": self.rows, "columns": self.columns}
        parts = [f"{name} {span[0]}-{span[1]}" for name, span in spans.items() if span]
        return ", ".join([f"select {self.select!r}", *parts])


@dataclass(frozen=True)
class Population:
    """The policies that play the agents of a society.

    Attributes:
        social: Plays the social agents that no player has claimed: a policy, or any agent that
            `as_policy` accepts. None: every social agent needs a player.
        observer: Plays the observers that no player has claimed, likewise.
        players: Policies that play some of the agents.
    """

    social: Any = None
    observer: Any = None
    players: Sequence[Player] = ()

    def cast(self, worlds: Iterable[World]) -> Cast:
        """Return the policy of every agent.

        Raises:
            UserError: An agent has no policy, or more than one.
        """
        policies: dict[int, Policy] = {}

        def policy_of(player: Any) -> Policy:
            # One policy for each object, so that a rollout can put its turns into one batch.
            if id(player) not in policies:
                policies[id(player)] = as_policy(player)
            return policies[id(player)]

        cast: Cast = {}
        for world in worlds:
            claimed: dict[str, Player] = {}
            for agent, player in self._claims(world):
                if agent in claimed:
                    raise UserError(
                        f"population: {agent} of {world.name} is claimed twice: "
                        f"by {claimed[agent]} and by {player}"
                    )
                claimed[agent] = player
            roles = ((self.social, world.social_agents), (self.observer, world.observers))
            for default, agents in roles:
                for agent in agents:
                    player = claimed[agent].policy if agent in claimed else default
                    if player is None:
                        raise UserError(f"population: {agent} of {world.name} has no player")
                    cast[world.name, agent] = policy_of(player)
        return cast

    def leaves_out(self, worlds: Iterable[World]) -> bool:
        """Return whether no player claims some social agent.

        Raises:
            UserError: A player chooses nobody, or shares add up to more than 1.
        """
        return any(
            set(world.social_agents) - {agent for agent, _ in self._claims(world)}
            for world in worlds
        )

    def _claims(self, world: World) -> Iterator[tuple[str, Player]]:
        """Yield every agent that a player claims, with the player."""
        for choice, group in groupby(sorted(self.players, key=str), key=str):
            players = list(group)
            agents = players[0].candidates(world)
            if not agents:
                raise UserError(f"population: {choice} chooses nobody in {world.name}")
            for player in players:
                if player.share is None:
                    yield from ((agent, player) for agent in agents)
            sharing = [player for player in players if player.share is not None]
            total = sum(player.share or 0 for player in sharing)
            if total > 1 + 1e-9:
                raise UserError(f"population: the shares of {choice} add up to {total:g}, above 1")
            # A random order of the agents, in which every player gets a contiguous part.
            shuffled = sorted(
                agents, key=lambda agent: key(world.seed, "population", choice, agent)
            )
            start = end = 0.0
            for player in sharing:
                end += player.share or 0
                part = slice(round(start * len(shuffled)), round(end * len(shuffled)))
                yield from ((agent, player) for agent in shuffled[part])
                start = end


def as_population(players: Any) -> Population:
    """Return a population, in which a single agent plays every role."""
    if isinstance(players, Population):
        return players
    return Population(social=players, observer=players)
