"""The record of one finished Back-Scatter, and the file with one record a line."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as checked_dataclass

from ..text.jsonl import JsonlLog, read_jsonl, write_jsonl
from ..text.thoughts import without_thoughts
from .grid import View
from .turns import NO_TOKENS, RATING_SCALE, Aspect, Judged, Opinion, Recollection, Tokens

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Answer:
    """A draft or a revision; the fields are those of `Utterance`."""

    text: str
    policy: str = ""
    tokens: Tokens = NO_TOKENS
    error: str = ""
    cut_off: bool = False

    def __post_init__(self) -> None:
        """Take thoughts away: a file of another program may hold some."""
        object.__setattr__(self, "text", without_thoughts(self.text))


@dataclass(frozen=True, slots=True)
class Feedback:
    """A peer's opinion of the draft; `rating` is null if the peer gave no rating.

    `memory` is what the peer remembered; files of earlier versions do not say.
    """

    peer: str
    rating: float | None
    reason: str
    policy: str = ""
    tokens: Tokens = NO_TOKENS
    error: str = ""
    cut_off: bool = False
    memory: Recollection | None = None

    def __post_init__(self) -> None:
        """Take thoughts away, as from an `Answer`."""
        object.__setattr__(self, "reason", without_thoughts(self.reason))


@dataclass(frozen=True, slots=True)
class Observation:
    """One observer's rating of the draft or of the revision, for one aspect."""

    observer: str
    judged: Judged
    aspect: Aspect
    rating: float | None
    reason: str = ""
    policy: str = ""
    tokens: Tokens = NO_TOKENS
    error: str = ""


@checked_dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Interaction:
    """One finished Back-Scatter: all that is needed to train on it and to trace it.

    Attributes:
        schema: Version of the file format. It is raised when a reader of the last version could
            misread a file of the new one.
        id: `world/round/agent`, unique within a simulation.
        world: Name of the world.
        seed: Seed of the world.
        round: Number of the round, from 0.
        agent: The agent who drafted and revised.
        position: Row and column of the agent.
        view: Whether the agent's prior memories are well or badly aligned.
        question: The question.
        kind: Category of the question.
        memory: What the agent remembered when it drafted and revised.
        draft: The first answer.
        feedback: The peers' opinions of the draft; the lowest-rated one stands last.
        mean_rating: Mean of the peers' ratings; null if none of them gave one, or if the agent was
            not told them (`env.show_ratings`).
        revision: The answer after feedback.
        observations: The observers' ratings of draft and revision.
        reward: The reward that the environment gave the agent.
        rating_scale: The highest rating; the lowest is 1.
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
        """Return the mean of the observers' ratings, or None if none of them gave one."""
        return mean(
            observation.rating
            for observation in self.observations
            if observation.aspect == aspect and observation.judged == judged
        )

    def change(self, aspect: Aspect) -> float | None:
        """Return the revision's mean rating minus the draft's, or None if either is missing."""
        draft, revision = self.rating(aspect, "draft"), self.rating(aspect, "revision")
        return None if draft is None or revision is None else revision - draft

    @property
    def opinions(self) -> tuple[Opinion, ...]:
        """What the agent read of its peers when it revised, without ratings it was not told."""
        told = self.mean_rating is not None
        return tuple(
            Opinion(each.peer, each.rating if told else None, each.reason) for each in self.feedback
        )

    def _repr_html_(self) -> str:
        """Return the interaction as a notebook shows it."""
        from ..notebook import interaction_html

        return interaction_html(self)

    def moved(self, world: str) -> "Interaction":
        """Return the same interaction in a world of another name."""
        return replace(self, id=interaction_id(world, self.round, self.agent), world=world)


def interaction_id(world: str, round: int, agent: str) -> str:
    """Return the id of an agent's interaction."""
    return f"{world}/{round}/{agent}"


_adapter: TypeAdapter[Interaction] = TypeAdapter(Interaction)


def mean(ratings: Iterable[float | None]) -> float | None:
    """Return the mean of the ratings that are not None, or None if there are none."""
    present = [rating for rating in ratings if rating is not None]
    return sum(present) / len(present) if present else None


def interaction_log(path: str | Path) -> JsonlLog[Interaction]:
    """Return an interaction file to which interactions are appended as they are finished."""
    return JsonlLog(Path(path), _adapter, "interactions")


def read_interactions(path: str | Path) -> list[Interaction]:
    """Read all interactions of a file.

    Raises:
        UserError: The file cannot be read, or a line is no interaction.
    """
    return list(iter_interactions(path))


def iter_interactions(path: str | Path) -> Iterator[Interaction]:
    """Yield the interactions of a file one by one, so that memory holds one of them.

    Raises:
        UserError: See `read_interactions`.
    """
    return read_jsonl(Path(path), _adapter, "interactions")


def content_hash(interaction: Interaction) -> bytes:
    """Return sixteen bytes that stand for everything that an interaction holds."""
    return hashlib.blake2b(_adapter.dump_json(interaction), digest_size=16).digest()


def write_interactions(path: str | Path, interactions: Iterable[Interaction]) -> None:
    """Write a whole interaction file; an old file stays until the new one is complete."""
    write_jsonl(Path(path), interactions, _adapter)
