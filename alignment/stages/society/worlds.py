"""The worlds of a run and who plays them, made here or in a worker process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.memory import Embedder
from social_sandbox.envs.rules.questions import Question, read_questions, society_questions
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.rules.world_config import WorldConfig
from social_sandbox.envs.settings import validated
from social_sandbox.policies.registry import build, recipe
from social_sandbox.policies.society.population import Player, Population

from ...data.priors import read_priors
from ..settings import Settings
from .shards import in_shard


@dataclass(frozen=True, kw_only=True)
class RunSociety:
    """What makes the worlds of a run and their players, as something that can be sent to a worker.

    Questions and priors travel with it: another machine need not have their files.

    Attributes:
        seed: Seed of the run, from which the seeds of the worlds follow.
        numbers: Numbers of the worlds, from 0.
        env: The rules.
        questions: The questions that agents are asked.
        priors: Questions with answers for prior memories; None: those among `questions`.
        policy: Recipe of the policy that plays the social agents.
        observer: Recipe of the policy that plays the observers.
        embedder: Recipe of what measures the similarity of questions.
        entries: Entries of `population`; None: `policy` plays all social agents.
    """

    seed: int
    numbers: Sequence[int]
    env: WorldConfig
    questions: Sequence[Question]
    priors: Sequence[Question] | None
    policy: Mapping[str, Any]
    observer: Mapping[str, Any]
    embedder: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]] | None

    @classmethod
    def of(cls, settings: Settings) -> "RunSociety":
        """Return the society of a run.

        Raises:
            UserError: The questions or the priors cannot be read, or the shard has no world.
        """
        if settings.questions is None:
            questions: Sequence[Question] = society_questions()
        else:
            questions = [q for q in read_questions(settings.questions) if not q.held_out]
        numbers = [n for n in range(settings.n_worlds) if in_shard(n, settings.shard)]
        if not numbers:
            raise UserError(
                f"shard={settings.shard}: has no world; n_worlds={settings.n_worlds} makes fewer "
                "worlds than there are shards"
            )
        return cls(
            seed=settings.seed,
            numbers=numbers,
            env=settings.env,
            questions=questions,
            priors=None if settings.priors is None else read_priors(settings.priors),
            policy=settings.policy,
            observer=settings.observer,
            embedder=settings.embedder,
            entries=settings.population,
        )

    @property
    def names(self) -> list[str]:
        """The names of the worlds."""
        return [f"world_{number}" for number in self.numbers]

    def world(self, name: str) -> World:
        """Return a new world, with an embedder of its own.

        An embedder rounds by what it has embedded before; a world should not depend on which
        worlds its worker has played.

        Raises:
            UserError: The embedder cannot be built.
        """
        return self._world(name, self.env, build(self.embedder, "embedder"))

    def worlds(self, *, remember: bool = True) -> list[World]:
        """Return all worlds, with one embedder.

        Args:
            remember: Whether the agents have memories; without, nothing is embedded.

        Raises:
            UserError: The embedder cannot be built.
        """
        embedder = build(self.embedder, "embedder")
        rules = self.env if remember else replace(self.env, memory=False)
        return [self._world(name, rules, embedder) for name in self.names]

    def population(self) -> Population:
        """Return the policies that play the agents; `policy` plays those that `entries` leave out.

        Raises:
            UserError: A policy cannot be built.
        """
        observer = build(self.observer, "observer")
        if self.entries is None:
            return Population(social=build(self.policy, "policy"), observer=observer)
        population = Population(observer=observer, players=read_players(self.entries))
        rules = replace(self.env, memory=False)
        if not population.leaves_out(self._world(name, rules, None) for name in self.names):
            return population
        return replace(population, social=build(self.policy, "policy"))

    def _world(self, name: str, rules: WorldConfig, embedder: Embedder | None) -> World:
        return World(
            rules,
            questions=self.questions,
            priors=self.priors,
            embedder=embedder,
            seed=key(self.seed, "world", int(name.removeprefix("world_"))),
            name=name,
        )


_CHOICE = ("select", "share", "rows", "columns", "phases")
"""Settings of an entry of `population` that choose agents."""


def read_players(population: Sequence[Mapping[str, Any]]) -> list[Player]:
    """Return the players of entries such as `{select: social_*, share: 0.7, policy: huggingface}`.

    `policy` is the name of an installed policy, or a recipe with `_target_`. All other settings of
    an entry are settings of this policy. Entries with equal policies share one policy object.

    Raises:
        UserError: An entry is wrong; the message names the entry and the setting.
    """
    policies: dict[str, Any] = {}
    players = []
    for number, entry in enumerate(population):
        section = f"population[{number}]"
        if "policy" not in entry:
            raise UserError(f"{section}: needs a policy, such as policy: huggingface")
        policy = entry["policy"]
        settings = dict(recipe(policy) if isinstance(policy, str) else policy)
        overrides = {k: v for k, v in entry.items() if k not in (*_CHOICE, "policy")}
        unknown = set(overrides) - set(settings)
        if unknown and isinstance(policy, str):
            names = [*(name for name in settings if name != "_target_"), "policy", *_CHOICE]
            raise UserError(
                f"{section}.{min(unknown)}: no such setting of policy {policy}; "
                f"there are {', '.join(names)}"
            )
        settings |= overrides
        missing = [name for name, value in settings.items() if value == "???"]
        if missing:
            raise UserError(f"{section}.{missing[0]}: policy {policy} needs this setting")
        if str(settings) not in policies:
            policies[str(settings)] = build(settings, section)
        choice = {name: entry[name] for name in _CHOICE if name in entry}
        values = {"policy": policies[str(settings)], **choice}
        players.append(validated(Player, values, section=section))
    return players
