"""The training data of roles: of one set of rated groups, what each adapter learns.

What a group's prompt asks for is a phase: a draft, feedback or a revision. A role learns from the
groups of its phases, and of these from what its agents said.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Phase

from ...data.groups import RatedGroup, Source
from ...data.storage.stored import Part
from .config import SETTING, RoleConfig, Roles

ASKED: Mapping[str, Phase] = {"self_critic": Phase.FEEDBACK, "realignment": Phase.REVISE}
"""What the prompts of a kind ask for; those of any other kind ask for a draft."""

Speakers = Callable[[Source, Phase], RoleConfig | None]
"""Returns the role that spoke, given where a candidate comes from and what its group asks for."""


def by_name(roles: Roles) -> Speakers:
    """Return the role of each speaker by its name; a candidate without a source has no name.

    Raises:
        UserError: It takes the society to say which agents a role chooses.
    """
    for name, role in roles.items():
        if role.is_placed:
            raise UserError(
                f"{SETTING}.{name}: share, rows and columns choose among the agents of a society, "
                "and none is given here"
            )

    def speaker(source: Source, phase: Phase) -> RoleConfig | None:
        fits = (role for role in roles.values() if role.asks(phase) and role.names(source.agent))
        return next(fits, None)

    return speaker


def groups_of_roles(
    groups: Sequence[RatedGroup], roles: Roles, speakers: Speakers | None = None
) -> dict[str, Sequence[RatedGroup]]:
    """Return the groups that each adapter learns from.

    Args:
        groups: Rated groups; those that no role learns from are left out.
        roles: The roles.
        speakers: Says who spoke; default: by the names of agents.

    Raises:
        UserError: There is nothing for a role to learn from, or see `by_name`.
    """
    speakers = by_name(roles) if speakers is None else speakers
    names = {id(role): name for name, role in roles.items()}
    places: dict[str, list[int]] = {role.adapter: [] for role in roles.values()}
    reduced: dict[str, dict[int, RatedGroup]] = {adapter: {} for adapter in places}
    taught: set[str] = set()
    for place, group in enumerate(groups):
        phase = ASKED.get(group.kind, Phase.DRAFT)
        sources = [each.source for each in group.candidates] or [Source()]
        said = [speakers(source, phase) for source in sources]
        taught |= {names[id(role)] for role in said if role is not None}
        for adapter in dict.fromkeys(role.adapter for role in said if role is not None):
            own = [role is not None and role.adapter == adapter for role in said]
            places[adapter].append(place)
            if not all(own):
                # The answers of other roles' agents.
                kept = (c for c, is_own in zip(group.candidates, own, strict=True) if is_own)
                reduced[adapter][place] = replace(group, candidates=tuple(kept))
    for name, role in roles.items():
        if name not in taught:
            asked = " or ".join(role.phases or ("anything",))
            raise UserError(
                f"{SETTING}.{name}: none of the {len(groups)} groups has something that "
                f"{role.select!r} said when asked for {asked}"
            )
    return {adapter: _part(groups, places[adapter], reduced[adapter]) for adapter in places}


def _part(
    groups: Sequence[RatedGroup], places: Sequence[int], reduced: Mapping[int, RatedGroup]
) -> Sequence[RatedGroup]:
    """Return the groups at some places; those of a file stay there if they are whole."""
    if isinstance(groups, list) or reduced:
        return [reduced.get(place) or groups[place] for place in places]
    return Part(groups, np.array(places, dtype=np.int64))
