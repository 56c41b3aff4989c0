"""Roles, whose utterances train an adapter each: which agents, and what they do."""

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import AfterValidator

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Phase
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.rules.world_config import WorldConfig
from social_sandbox.envs.settings import settings_dataclass, validated
from social_sandbox.policies.learning.rewards import LEARNT
from social_sandbox.policies.society.choice import Choice, claims

SETTING = "method.roles"

ADAPTERS = "adapters"
"""The folder of a training run with a folder for each adapter."""


def _folder_name(name: str) -> str:
    """Return the name of an adapter, which is that of a folder and of a module of peft."""
    if not name.replace("-", "_").isidentifier():
        raise UserError(
            f"{SETTING}: {name!r} cannot name an adapter: letters, digits, - and _, and no digit "
            "first"
        )
    if name in ("default", "ref"):
        raise UserError(f"{SETTING}: {name!r} cannot name an adapter: peft and TRL use this name")
    return name


@settings_dataclass(SETTING)
class RoleConfig(Choice):
    """A role: a choice of agents and phases, as in `population`, and the adapter that learns.

    Attributes:
        adapter: Name of the adapter. Roles with equal names train one adapter together.
    """

    adapter: Annotated[str, AfterValidator(_folder_name)]

    def __post_init__(self) -> None:
        """Raise UserError for the phase of the observers, who have no adapters."""
        if self.phases and Phase.OBSERVE in self.phases:
            raise UserError(
                f"{SETTING}: observers learn by a command of their own, social-sandbox observer"
            )

    @property
    def is_placed(self) -> bool:
        """Whether it takes a world to say which agents are chosen."""
        return any(each is not None for each in (self.share, self.rows, self.columns))

    def asks(self, phase: Phase) -> bool:
        """Return whether the role speaks in a phase."""
        return self.phases is None or phase in self.phases

    def names(self, agent: str) -> bool:
        """Return whether `select` chooses an agent."""
        return fnmatchcase(agent, self.select)


Roles = dict[str, RoleConfig]


def answering(roles: Roles) -> str:
    """Return the adapter that answers questions: of the first role that drafts or revises.

    Without such a role it is the first adapter.
    """
    answers = (each for each in roles.values() if any(map(each.asks, LEARNT["social"])))
    return next(answers, next(iter(roles.values()))).adapter


def seats(roles: Roles, world: World) -> dict[tuple[str, Phase], RoleConfig]:
    """Return the role of each (agent, phase) of a world that has one; see `claims`."""
    return claims(list(roles.values()), world, SETTING)


def check_roles(roles: Roles, rules: WorldConfig) -> None:
    """Raise UserError if a role chooses nobody in a society, or if two roles overlap."""
    world = World(replace(rules, memory=False))
    claimed = seats(roles, world)
    chosen = {id(role) for role in claimed.values()}
    for name, role in roles.items():
        if id(role) not in chosen:
            raise UserError(
                f"{SETTING}.{name}: {role} with share {role.share:g} chooses nobody of "
                f"{len(world.social_agents)} agents"
            )


def read_roles(roles: Any) -> Any:
    """Return roles by name, where a name of an adapter alone stands for a social agent or a critic.

    Raises:
        UserError: A role is neither known nor chosen by anything, or a setting of a role is wrong.
    """
    if not isinstance(roles, Mapping):
        return roles  # null, or of a wrong type
    if not roles:
        raise UserError(f"{SETTING}: names no role; null trains one model")
    return {str(name): _read(str(name), value) for name, value in roles.items()}


def _read(name: str, value: Any) -> RoleConfig:
    if isinstance(value, RoleConfig):
        return value
    section = f"{SETTING}.{name}"
    values = {"adapter": value} if isinstance(value, str) else value
    if not isinstance(values, Mapping):
        raise UserError(
            f"{section}: must be the name of an adapter, or a mapping such as "
            f"{{adapter: NAME, phases: [feedback]}}, got {value!r}"
        )
    chosen = set(values) - {"adapter"}
    known = {str(role): phases for role, phases in LEARNT.items()}
    if name in known and values.get("phases") is None:
        values = {**values, "phases": known[name]}
    elif not chosen:
        raise UserError(
            f"{section}: no role of this name; {' and '.join(known)} are known, and any other one "
            "needs phases, select, share, rows or columns"
        )
    return validated(RoleConfig, values, section=section)
