"""The record of one finished Back-Scatter, and the file that holds one a line."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as checked_dataclass

from .grid import View
from .jsonl import JsonlLog, read_jsonl, write_jsonl
from .turns import RATING_SCALE, Aspect, Judged, Recollection, Tokens

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Answer:
    """A draft or a revision; `error` and `cut_off` as in `Utterance`."""

    text: str
    policy: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    error: str = ""
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a peer said of the draft; `rating` is null where it produced none."""

    peer: str
    rating: float | None
    reason: str
    policy: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    error: str = ""
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """One rating by one observer of the draft or the revision."""

    observer: str
    judged: Judged
    aspect: Aspect
    rating: float | None
    reason: str = ""
    policy: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    error: str = ""


@checked_dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Interaction:
    """One finished Back-Scatter: all that is needed to train on it and to trace it.

    Ratings lie on 1..`rating_scale`.
    `reward` is what the environment paid the agent for it. `schema` is raised when a reader of
    the last version could misread a file of the new one.
    """

    schema: Literal[1] = 1
    id: str
    world: str
    seed: int
    round: int
    agent: str
    position: tuple[int, int]
    view: View
    question: str
    kind: str = ""
    memory: Recollection | None = None
    draft: Answer
    feedback: tuple[Feedback, ...] = ()
    mean_rating: float | None = None
    revision: Answer
    observations: tuple[Observation, ...] = ()
    reward: float = 0.0
    rating_scale: int = RATING_SCALE

    def rating(self, aspect: Aspect, judged: Judged) -> float | None:
        """The observers' mean rating, or None where none of them gave one."""
        return mean(
            observation.rating
            for observation in self.observations
            if observation.aspect == aspect and observation.judged == judged
        )

    def change(self, aspect: Aspect) -> float | None:
        """How much the revision raised the mean rating, or None where a side is missing."""
        before, after = self.rating(aspect, "draft"), self.rating(aspect, "revision")
        return None if before is None or after is None else after - before


_adapter: TypeAdapter[Interaction] = TypeAdapter(Interaction)


def mean(ratings: Iterable[float | None]) -> float | None:
    """The mean of what is there; None where nothing is."""
    present = [rating for rating in ratings if rating is not None]
    return sum(present) / len(present) if present else None


def to_json(interaction: Interaction) -> str:
    """One line of the interaction file, without its newline."""
    return _adapter.dump_json(interaction).decode()


def interaction_log(path: str | Path) -> JsonlLog[Interaction]:
    """Return an interaction file to which interactions are appended as they are finished."""
    return JsonlLog(Path(path), _adapter, "interactions")


def read_interactions(path: str | Path) -> list[Interaction]:
    """All interactions of a file. Raises UserError naming file and line."""
    return list(read_jsonl(Path(path), _adapter, "interactions"))


def write_interactions(path: str | Path, interactions: Iterable[Interaction]) -> None:
    """Write a whole interaction file; an old one stays until the new one is complete."""
    write_jsonl(Path(path), interactions, _adapter)
