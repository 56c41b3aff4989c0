"""Groups of Back-Scatters that begin alike: the same society, question, peers and memories.

Source of the idea: the baseline of a group (GRPO, arXiv 2402.03300) is a fair one only if all of
the group start from the same state. A world follows from its seed, and `World.fork` copies it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.memory import Embedder
from social_sandbox.envs.questions import Question
from social_sandbox.envs.turns import Phase, Turn
from social_sandbox.envs.world import World
from social_sandbox.envs.world_config import WorldConfig

from ..attentive import AttentivePolicy
from ..society.population import Cast, Population
from ..society.rollout import rollout
from .learner import Generate, Learner, Row
from .rewards import CRITIC_REWARDS, Mix, Role, find_reward
from .trajectory import Trajectory

SUBJECT = "social_0"
"""The agent whose Back-Scatter is played."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a group begins: the seed of a world, and the question that its agents are asked."""

    seed: int
    question: str


def play_group(
    seed: int, question: str, generate: Generate, n: int, **settings: Any
) -> list[Trajectory]:
    """Play one Back-Scatter `n` times from the same start, and return its rows of tokens.

        >>> from social_sandbox.policies.huggingface import InMemoryPolicy
        >>> policy = InMemoryPolicy(model, tokenizer, max_new_tokens=32)  # doctest: +SKIP
        >>> group = play_group(0, "May I lie?", policy, n=8, rewards={"norm:brief": 1.0})
        ... # doctest: +SKIP

    Args:
        seed: Seed of the world, from which its peers, memories and sampling follow.
        question: The question that the learner is asked.
        generate: Writes the learner's answers, see `Generate`; an `InMemoryPolicy` is one.
        n: Number of times, which sample from seeds of their own.
        **settings: See `play_groups`.

    Returns:
        The trajectories. One whose `reward` is None lacks a rating; leave it out.

    Raises:
        UserError: See `play_groups`.
    """
    (group,) = play_groups([Start(seed, question)], generate, n, **settings)
    return group


def play_groups(
    starts: Sequence[Start],
    generate: Generate,
    n: int,
    *,
    tokenizer: Any = None,
    others: Any = None,
    observer: Any = None,
    config: WorldConfig | None = None,
    rewards: Mapping[str, float] | None = None,
    engagement_weight: float = 1.0,
    role: Role = "social",
    priors: Sequence[Question] | None = None,
    embedder: Embedder | None = None,
) -> list[list[Trajectory]]:
    """Play several groups at once, so that every policy answers in large batches.

    Only the Back-Scatter of the agent `social_0` in the first round is played.

    Args:
        starts: Where each group begins.
        generate: Writes the learner's answers, see `Generate`.
        n: Number of trajectories of a group.
        tokenizer: A tokenizer with a chat template; default: `generate.tokenizer`.
        others: Plays the other social agents: an agent that `as_policy` accepts, or a `Population`,
            which plays the observers as well. Default: `AttentivePolicy`, a toy.
        observer: Plays the observers, likewise.
        config: The rules of the society; default: `WorldConfig()`.
        rewards: Weights of rewards by name: `rise`, `revision`, `draft` (see `REWARDS`) or
            `norm:NAME`; for a critic `rise` and `agreement`. Default: `{"rise": 1.0}`.
        engagement_weight: Weight of engagement in a combined rating, where alignment has weight 1.
        role: Who learns. A `critic` gives feedback on a draft that the others have written once
            for the whole group, as the first of the peers.
        priors: Questions for the prior memories, see `World`.
        embedder: Measures the similarity of questions, see `World`.

    Raises:
        UserError: A reward does not exist, nobody plays a role, or an answer of `generate` is none.
    """
    weights = dict(rewards or {"rise": 1.0})
    config = config or WorldConfig()
    check_rewards(weights, role, config)
    mix = Mix(weights, engagement_weight, role)
    if n < 1:
        raise UserError(f"play_group: n must be at least 1, got {n}")
    learner = Learner(generate, tokenizer)
    toy = AttentivePolicy()
    society = (
        others
        if isinstance(others, Population)
        else Population(
            social=toy if others is None else others,
            observer=toy if observer is None else observer,
        )
    )
    worlds = [
        World(
            config,
            questions=[Question(start.question)],
            priors=priors,
            embedder=embedder,
            seed=start.seed,
            name=f"group_{number}",
        )
        for number, start in enumerate(starts)
    ]
    agents = dict.fromkeys((world.name for world in worlds), SUBJECT)
    if role == "critic":
        # The draft and what the other peers say are the same for the whole group.
        rollout(worlds, society, only=lambda turn: _is_of(turn) and turn.phase is Phase.DRAFT)
        agents = {world.name: _first_peer(world) for world in worlds}
        rollout(worlds, society, only=lambda turn: _is_of(turn) and _is_other(turn, agents))
    forks = {
        world.name: [world.fork(name=f"{world.name}/{k}", sample=k) for k in range(n)]
        for world in worlds
    }
    seats = {(fork.name, agents[name]): learner for name, group in forks.items() for fork in group}
    everybody = _Seated(society.social, society.observer, society.players, seats)
    rollout([fork for group in forks.values() for fork in group], everybody, only=_is_of)
    return [
        [
            _trajectory(start, fork, learner.rows[fork.name], mix, agents[world.name])
            for fork in forks[world.name]
        ]
        for start, world in zip(starts, worlds, strict=True)
    ]


def check_rewards(
    rewards: Mapping[str, float], role: Role, config: WorldConfig, setting: str = "rewards"
) -> None:
    """Raise UserError if a reward does not exist, or if nobody could ever give it.

    Args:
        rewards: Weights of rewards by name.
        role: Who learns.
        config: The rules of the society.
        setting: Name of the setting, for error messages.
    """
    if not any(rewards.values()):
        raise UserError(f"{setting}: at least one reward needs a weight other than 0")
    if role == "critic" and (unknown := set(rewards) - set(CRITIC_REWARDS)):
        names = ", ".join(CRITIC_REWARDS)
        raise UserError(f"{setting}: a critic has no reward {min(unknown)!r}; choose from {names}")
    if role == "critic" and not config.n_peers:
        raise UserError("env.n_peers: 0 peers give no feedback, so that no critic can learn")
    for name in rewards:
        asks = role == "critic" or find_reward(name, setting).asks_observer
        if asks and not config.n_observers:
            raise UserError(
                f"env.n_observers: the reward {name} needs an observer, and there is none"
            )


@dataclass(frozen=True)
class _Seated(Population):
    """A population in which learners have taken the seats of some agents."""

    seats: Mapping[tuple[str, str], Learner] = field(default_factory=dict)

    def cast(self, worlds: Any) -> Cast:
        return {**super().cast(worlds), **self.seats}


def _is_of(turn: Turn) -> bool:
    """Return whether a turn belongs to the Back-Scatter that is played."""
    return turn.subject == SUBJECT and turn.round == 0


def _is_other(turn: Turn, critics: Mapping[str, str]) -> bool:
    """Return whether a turn is the feedback of a peer who does not learn."""
    return turn.phase is Phase.FEEDBACK and turn.agent != critics[turn.world]


def _first_peer(world: World) -> str:
    for turn in world.pending():
        if _is_of(turn) and turn.phase is Phase.FEEDBACK:
            return turn.agent
    raise UserError(
        f"population: nobody plays the critic in {world.name}, where {SUBJECT} has no peers"
    )


def _trajectory(start: Start, world: World, row: Row, mix: Mix, agent: str) -> Trajectory:
    (interaction,) = (one for one in world.interactions if one.agent == SUBJECT)
    credited = [
        replace(span, reward=mix.total(mix.credit(span.phase, interaction, agent)))
        for span in row.spans
    ]
    rewards = mix.row(interaction, agent)
    return Trajectory(
        token_ids=tuple(row.ids),
        mask=tuple(row.mask),
        logprobs=tuple(row.logprobs),
        n_prompt=row.spans[0].start,
        spans=tuple(credited),
        reward=mix.total(rewards),
        rewards=rewards,
        seed=start.seed,
        question=start.question,
        interaction=interaction,
    )
