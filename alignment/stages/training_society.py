"""The society that a model is trained in, by methods that play one."""

from pathlib import Path
from typing import Any

from social_sandbox.policies.prompts.prompts import answer_messages
from social_sandbox.policies.registry import build
from social_sandbox.policies.society.simulate import check_cast

from ..data.groups import RatedGroup
from ..runtime.recipes import recorded_recipe
from ..training.method import Society
from .inputs import input_hash
from .settings import Settings
from .worlds import RunSociety


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
