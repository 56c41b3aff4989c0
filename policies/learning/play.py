"""Groups of Back-Scatters that begin alike: the same society, question, peers and memories.

Source of the idea: the baseline of a group (GRPO, arXiv 2402.03300) is a fair one only if all of
the group start from the same state. A world follows from its seed, and `World.fork` copies it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.memory import Embedder
from social_sandbox.envs.rules.questions import Question
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import Phase, Turn
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.rules.world_config import WorldConfig

from ..attentive import AttentivePolicy
from ..society.population import Population
from ..society.rollout import rollout
from .learner import Generate, Learner, Row
from .rewards import CRITIC_REWARDS, DEFAULT_REWARDS, LEARNT, Mix, Role, find_reward
from .seated import Seated
from .trajectory import Trajectory

SUBJECT = "social_0"
"""The agent whose Back-Scatter is played, unless others may learn as well."""


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
        >>> group = play_group(0, "May I lie?", policy, n=8, rewards={"norm:brief": 1, "ended": 1})
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
    agents: Callable[[World], Collection[str]] | None = None,
    phases: Collection[Phase] | None = None,
    priors: Sequence[Question] | None = None,
    embedder: Embedder | None = None,
) -> list[list[Trajectory]]:
    """Play several groups at once, so that every policy answers in large batches.

    Only one Back-Scatter of the first round is played: that of the agent `social_0`, or of one of
    `agents`.

    Args:
        starts: Where each group begins.
        generate: Writes the learner's answers, see `Generate`.
        n: Number of trajectories of a group.
        tokenizer: A tokenizer with a chat template; default: `generate.tokenizer`.
        others: Plays the other social agents: an agent that `as_policy` accepts, or a `Population`,
            which plays the observers as well. Default: `AttentivePolicy`, a toy.
        observer: Plays the observers, likewise.
        config: The rules of the society; default: `WorldConfig()`.
        rewards: Weights of rewards by name: `rise`, `revision`, `draft`, `ended` (see `REWARDS`) or
            `norm:NAME`; for a critic `rise`, `agreement` and `ended`. Default: `rise` and `ended`,
            each with weight 1.
        engagement_weight: Weight of engagement in a combined rating, where alignment has weight 1.
        role: Who learns. A `critic` gives feedback on a draft that the others have written once
            for the whole group, as the first of the peers.
        agents: Says which agents of a world may be the learner; one of them is drawn by the seed of
            the world. Default: `social_0`, or for a critic the first of its peers.
        phases: The phases in which the learner speaks, of those in `LEARNT`; default: all of them.
            What comes before is said once for the whole group.
        priors: Questions for the prior memories, see `World`.
        embedder: Measures the similarity of questions, see `World`.

    Raises:
        UserError: A reward does not exist, nobody plays a role, or an answer of `generate` is none.
    """
    weights = dict(rewards or dict.fromkeys(DEFAULT_REWARDS, 1.0))
    config = config or WorldConfig()
    check_rewards(weights, role, config)
    mix = Mix(weights, engagement_weight, role)
    if n < 1:
        raise UserError(f"play_group: n must be at least 1, got {n}")
    learner = Learner(generate, tokenizer)
    learnt = tuple(phase for phase in LEARNT[role] if phases is None or phase in phases)
    if not learnt:
        raise UserError(f"play_group: a {role} agent speaks in none of the phases {phases}")
    if learnt == (Phase.REVISE,) and not config.revise:
        raise UserError("env.revise: false, so that no agent can learn to revise")
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
    chosen = {world.name: _seat(world, role, agents) for world in worlds}
    forked = {f"{name}/{k}": seat for name, seat in chosen.items() for k in range(n)}
    seats = chosen | forked

    def is_played(turn: Turn) -> bool:
        return turn.subject == seats[turn.world].subject and turn.round == 0

    def is_shared(turn: Turn) -> bool:
        # What comes before the learner, and what the other peers of a critic say, is the same for
        # the whole group.
        is_first = turn.phase is Phase.DRAFT or learnt[0] is Phase.REVISE
        before = is_first and turn.phase not in (*learnt, Phase.OBSERVE)
        beside = turn.phase is learnt[0] is Phase.FEEDBACK and turn.agent != seats[turn.world].agent
        return is_played(turn) and (before or beside)

    if learnt[0] is not Phase.DRAFT:
        rollout(worlds, society, only=is_shared)
    forks = {
        world.name: [world.fork(name=f"{world.name}/{k}", sample=k) for k in range(n)]
        for world in worlds
    }
    everybody = Seated(
        others=society,
        seats=lambda world: {(seats[world.name].agent, phase): learner for phase in learnt},
    )
    rollout([fork for group in forks.values() for fork in group], everybody, only=is_played)
    return [
        [
            _trajectory(start, fork, learner.rows[fork.name], mix, seats[fork.name])
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


@dataclass(frozen=True, slots=True)
class _Seat:
    """The agent whose Back-Scatter is played, and the agent that learns."""

    subject: str
    agent: str


def _seat(world: World, role: Role, agents: Callable[[World], Collection[str]] | None) -> _Seat:
    """Return who learns in a world.

    Raises:
        UserError: Nobody who may learn plays the role.
    """
    allowed = None if agents is None else set(agents(world))
    if role == "social":
        free = [SUBJECT] if allowed is None else [a for a in world.social_agents if a in allowed]
        found = [_Seat(agent, agent) for agent in free]
    else:
        setups = [scatter.setup for scatter in world.under_way]
        found = [
            _Seat(setup.agent, peer)
            for setup in setups
            for peer, _ in setup.peers
            if (setup.agent == SUBJECT if allowed is None else peer in allowed)
        ]
    if not found:
        why = f"{SUBJECT} has no peers" if allowed is None else f"no agent may be a {role} agent"
        raise UserError(f"population: nobody plays the learner in {world.name}: {why}")
    if allowed is None:
        return found[0]
    return min(found, key=lambda seat: key(world.seed, "learner", seat.subject, seat.agent))


def _trajectory(start: Start, world: World, row: Row, mix: Mix, seat: _Seat) -> Trajectory:
    (interaction,) = (one for one in world.interactions if one.agent == seat.subject)
    credited = [
        replace(span, reward=mix.total(mix.credit(span.phase, interaction, seat.agent)))
        for span in row.spans
    ]
    rewards = mix.row(interaction, seat.agent)
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
