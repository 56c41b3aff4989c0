"""The society that a model is trained in, by methods that play one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.turns import Phase
from social_sandbox.policies.prompts.prompts import answer_messages
from social_sandbox.policies.registry import build
from social_sandbox.policies.society.simulate import check_cast

from ...data.groups import RatedGroup, Source
from ...runtime.recipes import recorded_recipe
from ...training.method import Society
from ...training.roles.config import SETTING, RoleConfig, seats
from ..inputs import input_hash
from ..settings import Settings
from .worlds import RunSociety

if TYPE_CHECKING:
    from ...training.roles.data import Speakers


def make_society(settings: Settings) -> Society:
    """Return the society of the settings.

    Raises:
        UserError: A policy cannot be built or cannot play, or the priors cannot be read.
    """
    society = RunSociety.of(settings)
    population = society.population()
    check_cast(population.cast(society.worlds(remember=False)))
    embedder = build(settings.embedder, "embedder")
    return Society(settings.env, population, embedder=embedder, priors=society.priors)


def role_speakers(settings: Settings) -> "Speakers":
    """Return the role of `method.roles` that each recorded speaker has.

    Raises:
        UserError: A role's agents are those of a world that this run does not have.
    """
    from ...training.roles.data import by_name

    roles = settings.method.config.roles or {}
    if not any(role.is_placed for role in roles.values()):
        return by_name(roles)
    worlds = {world.name: world for world in RunSociety.of(settings).worlds(remember=False)}
    claimed = {name: seats(roles, world) for name, world in worlds.items()}

    def speaker(source: Source, phase: Phase) -> RoleConfig | None:
        name, *_ = source.interaction.rsplit("/", 2)
        if name not in claimed:
            where = f"the world {name}" if name else "no world"
            raise UserError(
                f"{SETTING}: share, rows and columns choose agents of {min(claimed)} to "
                f"{max(claimed)}, the worlds of this run, and a group comes from {where}"
            )
        return claimed[name].get((source.agent, phase))

    return speaker


def recorded_society(settings: Settings) -> dict[str, Any]:
    """Return what a record says of the society."""
    priors = settings.priors
    if priors and Path(priors).exists():
        priors = input_hash(priors, "priors")
    return {
        "priors": priors,
        "env": settings.env.recorded(),
        "policy": recorded_recipe(settings.policy),
        "observer": recorded_recipe(settings.observer),
        "embedder": recorded_recipe(settings.embedder),
        "population": [recorded_recipe(entry) for entry in settings.population or ()],
    }


def question_groups(settings: Settings) -> list[RatedGroup]:
    """Return groups that ask the society's questions, without responses."""
    return [
        RatedGroup(
            id=f"question/{number}",
            kind="question",
            prompt=answer_messages(question.text),
            candidates=(),
            rating_scale=settings.env.rating_scale,
        )
        for number, question in enumerate(RunSociety.of(settings).questions)
    ]
