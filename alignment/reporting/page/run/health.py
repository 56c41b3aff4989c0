"""Signs of a sick society, such as answers that are cut off, or peers who all rate the same."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from ..records import Health
from ..table import Columns

_FAIR, _POOR = 0.05, 0.25
"""From these shares on a sign is fair, or poor."""

_ALIKE_FAIR, _ALIKE_POOR = 0.5, 0.75
"""The same of ratings that are all alike."""


def health(columns: Columns) -> Iterator[Health]:
    """Yield the signs; none without interactions."""
    n = len(columns)
    if not n:
        return
    ratings = [round(r) for peers in columns.peers for _, r in peers if r is not None]
    if ratings:
        ((rating, count),) = Counter(ratings).most_common(1)
        yield Health(
            "Peers' ratings that are the same",
            count,
            len(ratings),
            _state(count / len(ratings), _ALIKE_FAIR, _ALIKE_POOR),
            f"{count} of {len(ratings)} ratings round to {rating}: feedback that says little.",
        )
    yield _sign(
        "Answers cut off",
        sum(bool(bits & 3) for bits in columns.cut_off),
        n,
        "The draft or the revision ended at the limit of tokens.",
        "?cut_off=1",
    )
    yield _sign(
        "Revision is the draft",
        sum(columns.same),
        n,
        "The feedback changed no letter.",
        "?same=1",
    )
    yield _sign(
        "Revisions said before",
        columns.repeated,
        n,
        "Another interaction has the same revision, letter by letter.",
    )
    yield _sign(
        "Revisions that go in circles",
        columns.circling,
        n,
        "More than half of the sequences of four words stand in the text twice.",
    )
    rated = sum(map(len, columns.peers)) + columns.observations
    yield _sign(
        "Missing ratings",
        sum(columns.missing),
        rated,
        "A peer or an observer gave no number.",
        "?missing=1",
    )
    yield _sign(
        "Errors", sum(map(bool, columns.errors)), n, "A policy gave no answer.", "?errors=1"
    )


def _sign(label: str, count: int, of: int, note: str, filter: str = "") -> Health:
    return Health(label, count, of, _state(count / max(of, 1), _FAIR, _POOR), note, filter)


def _state(share: float, fair: float, poor: float) -> Literal["good", "fair", "poor"]:
    if share > poor:
        return "poor"
    return "fair" if share > fair else "good"
