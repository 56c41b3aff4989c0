"""What roles learn in a society: the answers of some agents, or their feedback."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from social_sandbox.envs.rules.turns import Phase
from social_sandbox.envs.rules.world import World
from social_sandbox.policies.learning.rewards import LEARNT, Role
from social_sandbox.policies.learning.seated import Seated
from social_sandbox.policies.policy import Policy
from social_sandbox.policies.society.population import Population

from ...training.roles.config import Roles, seats


@dataclass(frozen=True)
class Lesson:
    """What is trained at a time.

    Attributes:
        role: Who learns.
        name: Name of the role among `method.roles`; empty without them.
        roles: All roles.
        phases: The phases in which the learner speaks; None: all of the role.
    """

    role: Role
    name: str = ""
    roles: Roles | None = None
    phases: tuple[Phase, ...] | None = None

    @property
    def adapter(self) -> str | None:
        """The adapter that is trained; None: the model itself, or its only adapter."""
        return self.roles[self.name].adapter if self.roles else None

    @property
    def agents(self) -> "_Agents | None":
        """Says which agents of a world may learn; None: those of the play."""
        return _Agents(self) if self.roles else None


@dataclass(frozen=True)
class _Agents:
    lesson: Lesson

    def __call__(self, world: World) -> Collection[str]:
        roles, name = self.lesson.roles or {}, self.lesson.name
        claimed = seats(roles, world)
        phases = self.lesson.phases or ()
        return {
            agent
            for (agent, phase), role in claimed.items()
            if role is roles[name] and phase in phases
        }


def lessons_of(roles: Roles | None, role: Role) -> tuple[Lesson, ...]:
    """Return the lessons of roles in their order, or of one model that plays one role.

    Drafts and revisions are one lesson, and feedback is another: a group of feedback has one draft.
    """
    if roles is None:
        return (Lesson(role),)
    lessons = []
    for name, each in roles.items():
        for kind, learnt in LEARNT.items():
            phases = tuple(phase for phase in learnt if each.asks(phase))
            if phases:
                lessons.append(Lesson(kind, name, roles, phases))
    return tuple(lessons)


def seated(others: Population, roles: Roles, speakers: Mapping[str, Policy]) -> Population:
    """Return a population in which each role is played by its adapter.

    Args:
        others: Plays everybody whom no role chooses.
        roles: The roles.
        speakers: The policy of each adapter.
    """
    return Seated(
        others=others,
        seats=lambda world: {
            seat: speakers[role.adapter] for seat, role in seats(roles, world).items()
        },
    )
