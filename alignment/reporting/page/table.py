"""The table of a run's interactions, in columns that grow row by row."""

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from social_sandbox.envs.rules.interactions import Feedback, Interaction, Observation
from social_sandbox.envs.rules.turns import Tokens
from social_sandbox.envs.text.texts import in_one_line

from ...evaluation.spread import MOST_VALUES
from .records import Table

EXTRACT = 80
"""Characters of the revision that the table shows."""

_DIGITS = 4
_LOOKED_AT = 20_000
_VIEWS = ("good", "bad")


class Names:
    """A list of texts, each of which has a number."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        """Begin with some texts."""
        self._numbers = {text: number for number, text in enumerate(texts)}

    def number(self, text: str) -> int:
        """Return the number of a text, a new one for a text that is new."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> list[str]:
        """The texts in the order of their numbers."""
        return list(self._numbers)


@dataclass(slots=True)
class Columns:
    """The columns of `Table` under way, and numbers that are counted on the way.

    Attributes:
        rating_scale: The highest rating; 0 without interactions.
        own_norms: By name of a norm that this project does not come with, and by id of an
            interaction: how far the revision follows the norm. The figures' stage writes them.
        observations: Number of the observers' ratings, missing ones included.
        repeated: Number of revisions that another interaction has too, letter by letter.
        circling: Number of revisions that go in circles, see `goes_in_circles`.
        costs: What each policy has spent.
    """

    ids: list[str] = field(default_factory=list)
    world: list[int] = field(default_factory=list)
    round: list[int] = field(default_factory=list)
    agent: list[int] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    view: list[int] = field(default_factory=list)
    question: list[int] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    draft_alignment: list[float | None] = field(default_factory=list)
    draft_engagement: list[float | None] = field(default_factory=list)
    revision_alignment: list[float | None] = field(default_factory=list)
    revision_engagement: list[float | None] = field(default_factory=list)
    peers: list[list[tuple[int, float | None]]] = field(default_factory=list)
    mean_rating: list[float | None] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    cut_off: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    same: list[bool] = field(default_factory=list)
    extract: list[str] = field(default_factory=list)
    names: dict[str, Names] = field(
        default_factory=lambda: {
            "world": Names(),
            "agent": Names(),
            "view": Names(_VIEWS),
            "question": Names(),
            "kind": Names(),
        }
    )
    norms: dict[str, list[float | None]] = field(default_factory=dict)
    own_norms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    rating_scale: int = 0
    observations: int = 0
    repeated: int = 0
    circling: int = 0
    costs: dict[str, Tokens] = field(default_factory=dict)
    _revisions: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def add(self, one: Interaction) -> None:
        """Add the row of an interaction."""
        names = self.names
        agents = names["agent"]
        self.ids.append(one.id)
        self.world.append(names["world"].number(one.world))
        self.round.append(one.round)
        self.agent.append(agents.number(one.agent))
        self.row.append(one.position[0])
        self.column.append(one.position[1])
        self.view.append(names["view"].number(one.view))
        self.question.append(names["question"].number(one.question))
        self.kind.append(names["kind"].number(one.kind))
        self.draft_alignment.append(_rounded(one.rating("alignment", "draft")))
        self.draft_engagement.append(_rounded(one.rating("engagement", "draft")))
        self.revision_alignment.append(_rounded(one.rating("alignment", "revision")))
        self.revision_engagement.append(_rounded(one.rating("engagement", "revision")))
        self.peers.append([(agents.number(f.peer), _rounded(f.rating)) for f in one.feedback])
        self.mean_rating.append(_rounded(one.mean_rating))
        rated: list[Feedback | Observation] = [*one.feedback, *one.observations]
        self.missing.append(sum(given.rating is None for given in rated))
        self.cut_off.append(
            one.draft.cut_off
            | one.revision.cut_off << 1
            | any(given.cut_off for given in one.feedback) << 2
        )
        errors = [one.draft.error, one.revision.error, *(given.error for given in rated)]
        self.errors.append(sum(map(bool, errors)))
        self.same.append(one.draft.text == one.revision.text)
        # Cut before the blanks are counted: a text may have a million characters.
        self.extract.append(in_one_line(one.revision.text[: 4 * EXTRACT])[:EXTRACT])
        self._add_norms(one)
        self.rating_scale = max(self.rating_scale, one.rating_scale)
        self.observations += len(one.observations)
        self.circling += goes_in_circles(one.revision.text)
        if one.revision.text.strip():
            known = zlib.crc32(one.revision.text.encode()) << 32 | len(one.revision.text)
            before = self._revisions.get(known, 0)
            self._revisions[known] = before + 1
            # With the second one, the first counts too.
            self.repeated += 2 if before == 1 else before > 1
        for utterance in (one.draft, one.revision, *rated):
            spent = self.costs.get(utterance.policy, Tokens())
            self.costs[utterance.policy] = spent + utterance.tokens

    def _add_norms(self, one: Interaction) -> None:
        from social_sandbox.policies.norms.registry import NORMS

        if len(self) > MOST_VALUES:
            self.norms.clear()
            return
        for name, norm in NORMS.items():
            value = norm(one.question[:_LOOKED_AT], one.revision.text[:_LOOKED_AT])
            self.norms.setdefault(name, []).append(round(value, 2))
        for name, values in self.own_norms.items():
            self.norms.setdefault(name, []).append(_rounded(values.get(one.id)))

    def table(self) -> Table:
        """Return the record of the table."""
        return Table(
            id=self.ids,
            world=self.world,
            round=self.round,
            agent=self.agent,
            row=self.row,
            column=self.column,
            view=self.view,
            question=self.question,
            kind=self.kind,
            draft_alignment=self.draft_alignment,
            draft_engagement=self.draft_engagement,
            revision_alignment=self.revision_alignment,
            revision_engagement=self.revision_engagement,
            peers=self.peers,
            mean_rating=self.mean_rating,
            missing=self.missing,
            cut_off=self.cut_off,
            errors=self.errors,
            same=self.same,
            extract=self.extract,
            names={name: names.texts for name, names in self.names.items()},
            norms=dict(self.norms),
        )


def goes_in_circles(text: str) -> bool:
    """Return whether more than half of a text's sequences of four words stand in it twice."""
    words = text[:_LOOKED_AT].lower().split()
    sequences = list(zip(*(words[start:] for start in range(4)), strict=False))
    return len(sequences) >= 8 and 2 * len(set(sequences)) < len(sequences)


def _rounded(rating: float | None) -> float | None:
    # A file of another program may hold NaN.
    return None if rating is None or not math.isfinite(rating) else round(rating, _DIGITS)
