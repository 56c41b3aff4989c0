"""The rules that a society may choose; the paper's words for them are in the README."""

from dataclasses import dataclass
from typing import Literal

from .errors import UserError
from .grid import WORLD_VIEWS, WorldView
from .turns import RATING_SCALE, RATING_SCALES


@dataclass(frozen=True, kw_only=True)
class WorldConfig:
    """The rules that a society may choose.

    Attributes:
        grid_size: side of the grid; grid_size ** 2 social agents.
        n_observers: memory-less agents who rate drafts and revisions.
        n_rounds: how often each social agent is asked.
        n_peers: at most so many peers give feedback on a draft.
        interaction: `local` peers live near, `global` ones anywhere on the grid.
        radius: local peers live within this Euclidean distance; None means grid_size // 2.
        peer_dropout: each peer within reach is absent with this probability, anew each round.
        feedback: peers give a rating with its `reason`, or the `score` alone.
        rating_scale: ratings lie on 1..7 or 1..10.
        questions_per_round: different questions asked in a round, dealt evenly to the agents,
            so that several agents answer the same one; None gives each agent its own.
        question_order: `shuffled` by the seed, or as `given`.
        memory: whether agents remember anything, prior memories included.
        world_view: with which prior memories agents are born, see `grid.views`.
        n_prior_memories: how many (paper: 50).
        memory_threshold: cosine distance below which a memory comes to mind (paper: 0.3).
        engagement_weight: weight of the engagement change in the reward.
    """

    grid_size: int = 4
    n_observers: int = 1
    n_rounds: int = 2
    n_peers: int = 4
    interaction: Literal["local", "global"] = "local"
    radius: float | None = None
    peer_dropout: float = 0.0
    feedback: Literal["reason", "score"] = "reason"
    rating_scale: int = RATING_SCALE
    questions_per_round: int | None = None
    question_order: Literal["shuffled", "given"] = "shuffled"
    memory: bool = True
    world_view: WorldView = "mixed_half_half"
    n_prior_memories: int = 50
    memory_threshold: float = 0.3
    engagement_weight: float = 0.5

    def __post_init__(self) -> None:
        """Raise UserError naming the setting that makes no sense."""
        least = {"grid_size": 1, "n_observers": 0, "n_rounds": 1, "n_peers": 0}
        least |= {"n_prior_memories": 0, "memory_threshold": 0, "radius": 0}
        least |= {"questions_per_round": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise UserError(f"env.{name} must be at least {bound}, got {value}")
        if self.memory_threshold > 2:
            distance = self.memory_threshold
            raise UserError(f"env.memory_threshold must be at most 2, got {distance}")
        if not 0 <= self.peer_dropout < 1:
            raise UserError(f"env.peer_dropout must be from 0 to below 1, got {self.peer_dropout}")
        choices: dict[str, tuple[object, ...]] = {
            "rating_scale": RATING_SCALES,
            "world_view": WORLD_VIEWS,
            "interaction": ("local", "global"),
            "feedback": ("reason", "score"),
            "question_order": ("shuffled", "given"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                one_of = ", ".join(map(str, allowed))
                raise UserError(f"env.{name} must be one of {one_of}, got {getattr(self, name)!r}")

    @property
    def social_agents(self) -> tuple[str, ...]:
        """The names of the social agents, in the order of the grid's rows."""
        return tuple(f"social_{index}" for index in range(self.grid_size**2))

    @property
    def observers(self) -> tuple[str, ...]:
        """The names of the observers."""
        return tuple(f"observer_{index}" for index in range(self.n_observers))
