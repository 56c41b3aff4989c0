"""Populations, which map the agents of societies to policies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Phase
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.settings import settings_dataclass

from ..adapt import as_policy
from ..policy import Policy
from .choice import SOCIAL_PHASES, Choice, claims
from .phased import in_phases

Cast = dict[tuple[str, str], Policy]
"""The policy of each (world, agent)."""


@settings_dataclass("population")
class Player(Choice):
    """A policy, and the agents that it plays; see `Choice`.

    Attributes:
        policy: The policy, or any agent that `as_policy` accepts.
    """

    policy: Any


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
            claimed = claims(self.players, world, "population")
            roles = (
                (self.social, world.social_agents, SOCIAL_PHASES),
                (self.observer, world.observers, (Phase.OBSERVE,)),
            )
            for default, agents, phases in roles:
                for agent in agents:
                    players = [claimed.get((agent, phase)) for phase in phases]
                    policies_of = [default if each is None else each.policy for each in players]
                    if any(each is None for each in policies_of):
                        raise UserError(f"population: {agent} of {world.name} has no player")
                    cast[world.name, agent] = in_phases(
                        dict(zip(phases, map(policy_of, policies_of), strict=True))
                    )
        return cast

    def leaves_out(self, worlds: Iterable[World]) -> bool:
        """Return whether no player claims some phase of a social agent.

        Raises:
            UserError: A player chooses nobody, or shares add up to more than 1.
        """
        return any(
            (agent, phase) not in claimed
            for world in worlds
            for claimed in [claims(self.players, world, "population")]
            for agent in world.social_agents
            for phase in SOCIAL_PHASES
        )


def as_population(players: Any) -> Population:
    """Return a population, in which a single agent plays every role."""
    if isinstance(players, Population):
        return players
    return Population(social=players, observer=players)
