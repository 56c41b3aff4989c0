"""The rules that a society may choose."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field

from ..settings import settings_dataclass
from .grid import WorldView
from .turns import RatingScale


@settings_dataclass("env")
class WorldConfig:
    """The rules of one society (paper, section 3.1).

    `social-sandbox simulate --help env` explains each rule.
    """

    grid_size: Annotated[int, Field(ge=1)] = 4
    n_observers: Annotated[int, Field(ge=0)] = 1
    n_rounds: Annotated[int, Field(ge=1)] = 3
    n_peers: Annotated[int, Field(ge=0)] = 4
    interaction: Literal["local", "global"] = "local"
    radius: Annotated[float, Field(ge=0)] | None = None
    peer_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    feedback: Literal["reason", "score"] = "reason"
    show_ratings: bool = True
    revise: bool = True
    rating_scale: RatingScale = 7
    n_questions: Annotated[int, Field(ge=1)] | None = None
    questions_per_round: Annotated[int, Field(ge=1)] | None = 8
    question_order: Literal["shuffled", "given"] = "shuffled"
    memory: bool = True
    world_view: WorldView = "mixed_half_half"
    n_prior_memories: Annotated[int, Field(ge=0)] = 50
    memory_threshold: Annotated[float, Field(ge=0, le=2)] = 0.3
    engagement_weight: float = 0.5
    stop: Literal["pareto"] | None = None
    patience: Annotated[int, Field(ge=1)] = 3

    @property
    def social_agents(self) -> tuple[str, ...]:
        """The names of the social agents, in the order of the grid's rows."""
        return tuple(f"social_{index}" for index in range(self.grid_size**2))

    @property
    def observers(self) -> tuple[str, ...]:
        """The names of the observers."""
        return tuple(f"observer_{index}" for index in range(self.n_observers))

    def recorded(self) -> dict[str, Any]:
        """Return the rules as records of a society have them."""
        rules = asdict(self)
        # Societies of versions without these rules do not record them.
        if self.stop is None:
            del rules["stop"], rules["patience"]
        for name, default in (("show_ratings", True), ("revise", True), ("n_questions", None)):
            if rules[name] == default:
                del rules[name]
        return rules
