"""The society of a run: its worlds, who plays whom, and what it came to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from social_sandbox.envs.interactions import Answer, Feedback, Interaction, Observation
from social_sandbox.envs.questions import read_questions, society_questions
from social_sandbox.envs.seeding import key
from social_sandbox.envs.world import World
from social_sandbox.policies.account import Account
from social_sandbox.policies.population import Population

from .agreement import observer_agreement
from .players import read_players
from .priors import read_priors
from .redact import without_secrets
from .settings import Settings, build
from .stages import Summary

_HOW_ASKED = frozenset(
    {
        *("max_concurrency", "requests_per_minute", "tokens_per_minute", "timeout"),
        *("max_retries", "tries", "on_error", "api_key_env"),
        *("usd_per_million_prompt_tokens", "usd_per_million_completion_tokens"),
    }
)
"""Settings of a policy that change how it is asked, and not what it says."""


def what_is_said(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a simulation must not mix: with the rest changed, a stopped one can go on."""
    said = {name: value for name, value in recipe.items() if name not in _HOW_ASKED}
    return {name: without_secrets(value, name) for name, value in said.items()}


def make_worlds(settings: Settings) -> list[World]:
    """The worlds of a run, with seeds of their own that follow from the run's seed."""
    if settings.questions is None:
        questions = society_questions()
    else:
        questions = [q for q in read_questions(settings.questions) if not q.held_out]
    priors = None if settings.priors is None else read_priors(settings.priors)
    embedder = build(settings.embedder, "embedder")
    return [
        World(
            settings.env,
            questions=questions,
            priors=priors,
            embedder=embedder,
            seed=key(settings.seed, "world", number),
            name=f"world_{number}",
        )
        for number in range(settings.n_worlds)
    ]


def make_population(settings: Settings) -> Population:
    """Who plays whom in a run."""
    observer = build(settings.observer, "observer")
    if settings.population is None:
        return Population(social=build(settings.policy, "policy"), observer=observer)
    return Population(observer=observer, players=read_players(settings.population))


def _missing(said: Answer | Feedback | Observation) -> str:
    """Why there is nothing; empty if there is something."""
    if said.error:
        return said.error
    if isinstance(said, Answer):
        return "" if said.text.strip() else "nothing was said"
    return "nothing was rated" if said.rating is None else ""


def simulation_summary(interactions: Sequence[Interaction]) -> Summary:
    """What a simulation came to: ratings, costs, what is missing, how far observers agree."""
    from .figures import ratings_by_round

    account = Account()
    errors = Counter[str]()
    for done in interactions:
        everything: list[Answer | Feedback | Observation] = [done.draft, done.revision]
        everything += [*done.feedback, *done.observations]
        account.add(everything)
        errors.update(reason for said in everything if (reason := _missing(said)))
    return {
        "interactions": len(interactions),
        "spent": {name: asdict(tokens) for name, tokens in sorted(account.by_policy.items())},
        "missing": dict(errors),
        "mean_reward": sum(done.reward for done in interactions) / max(len(interactions), 1),
        "rounds": ratings_by_round(interactions),
        "agreement": observer_agreement(interactions),
    }
