"""Populations in which learners have taken some seats."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from social_sandbox.envs.rules.turns import Phase
from social_sandbox.envs.rules.world import World

from ..policy import Policy
from ..society.choice import SOCIAL_PHASES
from ..society.phased import ByPhase, in_phases
from ..society.population import Cast, Population

Seats = Callable[[World], Mapping[tuple[str, Phase], Policy]]
"""Returns who plays which (agent, phase) of a world, of those that a learner plays."""


@dataclass(frozen=True)
class Seated(Population):
    """A population in which learners play some social agents, perhaps in some phases alone.

    Attributes:
        others: Plays everybody else.
        seats: Returns the seats of the learners.
    """

    others: Population = field(kw_only=True)
    seats: Seats = field(kw_only=True)

    def cast(self, worlds: Iterable[World]) -> Cast:
        """See `Population.cast`."""
        worlds = list(worlds)
        cast = self.others.cast(worlds)
        for world in worlds:
            taken: dict[str, dict[Phase, Policy]] = {}
            for (agent, phase), policy in self.seats(world).items():
                taken.setdefault(agent, {})[phase] = policy
            for agent, players in taken.items():
                before = cast[world.name, agent]
                others = (
                    before.players
                    if isinstance(before, ByPhase)
                    else dict.fromkeys(SOCIAL_PHASES, before)
                )
                cast[world.name, agent] = in_phases({**others, **players})
        return cast
