"""Who plays whom: a population maps the agents of societies to policies."""

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
Cast = dict[tuple[str, str], Policy]
"""The policy of each (world, agent)."""


@settings_dataclass("population")
class Player:
    """A policy (or any agent, see `as_policy`) and the agents that it plays.

    Attributes:
        policy: who plays.
        select: a name, or a pattern such as `social_*`.
        share: of the agents that `select`, `rows` and `columns` choose; players of the same
            choice share it out by lot, with the seed of the world. None: all of them.
        rows: first and last row of the grid, of social agents.
        columns: likewise.
    """

    policy: Any
    select: str = "*"
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    rows: Span | None = None
    columns: Span | None = None

    def chooses(self, world: World, agent: str) -> bool:
        """Whether this agent is among those that it chooses from."""
        if not fnmatchcase(agent, self.select):
            return False
        if self.rows is None and self.columns is None:
            return True
        if agent not in world.social_agents:
            return False
        where = position(world.social_agents.index(agent), world.config.grid_size)
        spans = zip(where, (self.rows, self.columns), strict=True)
        return all(span is None or span[0] <= at <= span[1] for at, span in spans)

    def __str__(self) -> str:
        """The choice in words, for errors."""
        spans = {"rows": self.rows, "columns": self.columns}
        where = [f"{name} {span[0]}-{span[1]}" for name, span in spans.items() if span]
        return ", ".join([f"select {self.select!r}", *where])


@dataclass(frozen=True)
class Population:
    """Policies by role, and players that take agents from them.

    `social` and `observer` (policies, or any agents, see `as_policy`) play whoever no player has
    claimed; without them every agent of that role needs a player.
    """

    social: Any = None
    observer: Any = None
    players: Sequence[Player] = ()

    def cast(self, worlds: Iterable[World]) -> Cast:
        """Who plays whom. Raises UserError for an agent without a player, or with two."""
        policies: dict[int, Policy] = {}

        def policy(agent: Any) -> Policy:
            if id(agent) not in policies:
                policies[id(agent)] = as_policy(agent)
            return policies[id(agent)]

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
            for by_role, agents in roles:
                for agent in agents:
                    plays = claimed[agent].policy if agent in claimed else by_role
                    if plays is None:
                        raise UserError(f"population: {agent} of {world.name} has no player")
                    cast[world.name, agent] = policy(plays)
        return cast

    def _claims(self, world: World) -> Iterator[tuple[str, Player]]:
        def choice(player: Player) -> str:
            return str(player)

        for said, group in groupby(sorted(self.players, key=choice), key=choice):
            players = list(group)
            chosen = [agent for agent in world.agents if players[0].chooses(world, agent)]
            if not chosen:
                raise UserError(f"population: {said} chooses nobody in {world.name}")
            whole = [player for player in players if player.share is None]
            yield from ((agent, player) for player in whole for agent in chosen)
            sharing = [player for player in players if player.share is not None]
            total = sum(player.share or 0 for player in sharing)
            if total > 1 + 1e-9:
                raise UserError(f"population: the shares of {said} add up to {total:g}, above 1")
            drawn = sorted(chosen, key=lambda agent: key(world.seed, "population", said, agent))
            begin = reached = 0.0
            for player in sharing:
                reached += player.share or 0
                places = range(round(begin * len(drawn)), round(reached * len(drawn)))
                yield from ((drawn[place], player) for place in places)
                begin = reached


def as_population(who: Any) -> Population:
    """A population, or one agent who plays everybody."""
    return who if isinstance(who, Population) else Population(social=who, observer=who)
