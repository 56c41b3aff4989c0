"""Rated groups: one prompt, several rated responses. The one format that every method reads."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as checked_dataclass

from social_sandbox.envs.jsonl import read_jsonl, write_jsonl
from social_sandbox.envs.messages import Conversation
from social_sandbox.envs.turns import RATING_SCALE

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a candidate comes from: the interaction, who spoke, and in which phase."""

    interaction: str = ""
    agent: str = ""
    phase: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One response and its rating.

    `rating` is null where nobody gave one; `rater` says who rated. An invalid candidate is kept
    for the record and never trained on. `ends`: the text came to its own end; one that a limit cut
    off is no example of where to stop.
    """

    text: str
    rating: float | None
    rater: str = ""
    valid: bool = True
    source: Source = Source()
    ends: bool = True


@checked_dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class RatedGroup:
    """A prompt (messages, the last one the user's) and the candidates for the reply.

    Ratings lie on 1..`rating_scale`.
    """

    id: str
    kind: str
    prompt: Conversation
    candidates: tuple[Candidate, ...]
    rating_scale: int = RATING_SCALE


_adapter: TypeAdapter[RatedGroup] = TypeAdapter(RatedGroup)


def read_groups(path: str | Path) -> list[RatedGroup]:
    """All groups of a file. Raises UserError naming file and line."""
    return list(read_jsonl(Path(path), _adapter, "groups"))


def write_groups(path: str | Path, groups: Iterable[RatedGroup]) -> None:
    """Write a whole file of groups; an old one stays until the new one is complete."""
    write_jsonl(Path(path), groups, _adapter)


def group_rows(groups: Iterable[RatedGroup]) -> Iterator[dict[str, Any]]:
    """Groups as plain values, as a line of their file has them."""
    for group in groups:
        yield _adapter.dump_python(group, mode="json")


KINDS = ("imitation", "self_critic", "realignment")


def trainable(candidate: Candidate) -> bool:
    """Whether a candidate can be learnt from: valid, rated, and not blank."""
    rating = candidate.rating
    rated = rating is not None and math.isfinite(rating)
    return candidate.valid and rated and bool(candidate.text.strip())
