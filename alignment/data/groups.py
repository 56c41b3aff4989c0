"""Rated groups: a prompt with several rated responses, the format that every method reads."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as checked_dataclass

from social_sandbox.envs.rules.turns import MIN_RATING, RATING_SCALE
from social_sandbox.envs.text.jsonl import read_jsonl, write_jsonl
from social_sandbox.envs.text.messages import Conversation
from social_sandbox.envs.text.texts import valid
from social_sandbox.envs.text.thoughts import without_thoughts

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Source:
    """The interaction, the agent and the phase that a candidate comes from."""

    interaction: str = ""
    agent: str = ""
    phase: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A response with its rating.

    Attributes:
        text: The response, from which thoughts of a reasoning model are taken away.
        rating: Rating on 1 to the group's `rating_scale`; None where there is none.
        rater: Who gave the rating: names of observers, with commas between them, `human`, or the
            name of a data set.
        valid: Whether the response may be trained on; an invalid one is kept for the record.
        source: Where the response comes from.
        ends: Whether the text is complete, so that it is an example of where to stop. A text that
            a limit of tokens cut off in a sentence is none; see `DataConfig.endings`.
    """

    text: str
    rating: float | None
    rater: str = ""
    valid: bool = True
    source: Source = Source()
    ends: bool = True

    def __post_init__(self) -> None:
        """Make the text valid Unicode and take thoughts away."""
        object.__setattr__(self, "text", without_thoughts(valid(self.text)))


@checked_dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class RatedGroup:
    """A prompt and candidates for the reply.

    Attributes:
        id: Unique identifier.
        kind: Kind of data, such as those in `KINDS`.
        prompt: Conversation whose last message is the user's.
        candidates: Responses to the prompt.
        rating_scale: Ratings are on 1 to this number.
    """

    id: str
    kind: str
    prompt: Conversation
    candidates: tuple[Candidate, ...]
    rating_scale: int = RATING_SCALE


_adapter: TypeAdapter[RatedGroup] = TypeAdapter(RatedGroup)


def read_groups(path: str | Path) -> list[RatedGroup]:
    """Return the groups of a file.

    Raises:
        UserError: The file cannot be read, or a line is no group; names file and line.
    """
    return list(read_jsonl(Path(path), _adapter, "groups"))


def write_groups(path: str | Path, groups: Iterable[RatedGroup]) -> None:
    """Write a file of groups; an earlier file stays until the new one is complete."""
    write_jsonl(Path(path), groups, _adapter)


def group_rows(groups: Iterable[RatedGroup]) -> Iterator[dict[str, Any]]:
    """Yield groups as plain values, as the lines of a file of groups have them."""
    for group in groups:
        yield _adapter.dump_python(group, mode="json")


KINDS = ("imitation", "self_critic", "realignment")
"""Kinds of groups that are made of interactions."""


def trainable(candidate: Candidate) -> bool:
    """Return whether a candidate can be trained on: it is valid, rated and not blank."""
    rating = candidate.rating
    rated = rating is not None and math.isfinite(rating)
    return candidate.valid and rated and bool(candidate.text.strip())


def best_rated(candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the best-rated trainable candidate, of equals the first; None if there is none."""
    usable = filter(trainable, candidates)
    return max(usable, key=lambda candidate: candidate.rating or 0.0, default=None)


def demonstration(group: RatedGroup) -> Candidate | None:
    """Return the candidate to imitate: the best-rated one; None without a good one.

    A candidate with the lowest rating of the scale, such as an unwanted completion of a prompt that
    has no other, is no example to imitate.
    """
    best = best_rated(group.candidates)
    return None if best is None or best.rating == MIN_RATING else best
