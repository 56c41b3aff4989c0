"""The setting `population`: a list of players, each a choice of agents and a policy."""

from collections.abc import Mapping, Sequence
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.settings import validated
from social_sandbox.policies.registry import recipe
from social_sandbox.policies.society.population import Player

from .settings import build

_CHOICE = ("select", "share", "rows", "columns")


def read_players(population: Sequence[Mapping[str, Any]]) -> list[Player]:
    """Players out of entries such as `{select: social_*, share: 0.7, policy: huggingface}`.

    `policy` is the name of an installed policy, or a recipe with `_target_`; whatever else an
    entry says is a setting of that policy. Equal policies are made once.

    Raises UserError naming the entry and the setting that is wrong.
    """
    made: dict[str, Any] = {}
    players = []
    for number, entry in enumerate(population):
        section = f"population[{number}]"
        if "policy" not in entry:
            raise UserError(f"{section}: needs a policy, such as policy: huggingface")
        named = entry["policy"]
        settings = dict(recipe(named) if isinstance(named, str) else named)
        own = {k: v for k, v in entry.items() if k not in (*_CHOICE, "policy")}
        unknown = set(own) - set(settings)
        if unknown and isinstance(named, str):
            known = [*(name for name in settings if name != "_target_"), "policy", *_CHOICE]
            raise UserError(
                f"{section}.{min(unknown)}: no such setting of policy {named}; "
                f"there are {', '.join(known)}"
            )
        settings |= own
        missing = [name for name, value in settings.items() if value == "???"]
        if missing:
            raise UserError(f"{section}.{missing[0]}: policy {named} needs this setting")
        if str(settings) not in made:
            made[str(settings)] = build(settings, section)
        choice = {name: entry[name] for name in _CHOICE if name in entry}
        players.append(
            validated(Player, {"policy": made[str(settings)], **choice}, section=section)
        )
    return players
