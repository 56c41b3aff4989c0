"""The table of a run's groups, in columns that grow row by row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from social_sandbox.envs.text.texts import in_one_line

from .records import GroupTable
from .table import Names

EXTRACT = 160
"""Characters of the prompt that the table shows."""


@dataclass(slots=True)
class GroupColumns:
    """The columns of `GroupTable` under way."""

    kind: list[int] = field(default_factory=list)
    extract: list[str] = field(default_factory=list)
    candidates: list[int] = field(default_factory=list)
    low: list[float | None] = field(default_factory=list)
    high: list[float | None] = field(default_factory=list)
    invalid: list[int] = field(default_factory=list)
    cut_off: list[int] = field(default_factory=list)
    kinds: Names = field(default_factory=Names)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.kind)

    def add(self, group: Mapping[str, Any]) -> None:
        """Add the row of a group, a line of `groups.jsonl`."""
        candidates = group.get("candidates") or ()
        ratings = [c["rating"] for c in candidates if isinstance(c.get("rating"), int | float)]
        last = (group.get("prompt") or [{}])[-1]
        # Cut before the blanks are counted: a text may have a million characters.
        text = in_one_line(str(last.get("content", ""))[: 4 * EXTRACT])
        self.kind.append(self.kinds.number(str(group.get("kind", ""))))
        self.extract.append(text[:EXTRACT])
        self.candidates.append(len(candidates))
        self.low.append(min(ratings, default=None))
        self.high.append(max(ratings, default=None))
        self.invalid.append(sum(not c.get("valid", True) for c in candidates))
        self.cut_off.append(sum(not c.get("ends", True) for c in candidates))

    def table(self) -> GroupTable:
        """Return the record of the table."""
        return GroupTable(
            kind=self.kind,
            extract=self.extract,
            candidates=self.candidates,
            low=self.low,
            high=self.high,
            invalid=self.invalid,
            cut_off=self.cut_off,
            names={"kind": self.kinds.texts},
        )
