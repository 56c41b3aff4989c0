"""Figures of norms, from `figures/norms.json`: the shares of answers that follow them."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ..records import Figure, Point, Series

_PARTS: dict[str, tuple[str, str, Literal["line", "bars"]]] = {
    "round": ("by round", "round", "line"),
    "view": ("by the view agents are born with", "view", "bars"),
    "distance": ("by distance to the nearest follower", "steps on the grid", "bars"),
}
"""Title, axis label and kind of the figure, by what parts the society."""


def norm_figures(shares: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield a figure for each norm and each way to part the society; none without norms."""
    rows = shares.get("shares") or []
    for norm in dict.fromkeys(row["norm"] for row in rows):
        for by, (title, x_label, kind) in _PARTS.items():
            own = [row for row in rows if (row["norm"], row["by"]) == (norm, by)]
            if own:
                yield Figure(
                    id=f"norm-{norm}-{by}",
                    place="society",
                    title=f"Answers that follow {norm}, {title}",
                    kind=kind,
                    x_label=x_label,
                    y_label="share of answers",
                    series=[
                        Series(judged, [_point(row, by) for row in own if row["judged"] == judged])
                        for judged in dict.fromkeys(row["judged"] for row in own)
                    ],
                    y_low=0.0,
                    y_high=1.0,
                    note="Means over questions with 95 % bootstrap intervals over questions.",
                )


def _point(row: Mapping[str, Any], by: str) -> Point:
    part = row["part"] if by == "round" else str(row["part"])
    return Point(part, row["mean"], row["low"], row["high"])
