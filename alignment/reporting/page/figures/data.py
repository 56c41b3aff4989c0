"""Figures of the training data, from its report."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..records import Figure, Point, Series


def data_figures(report: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield the figures of `data/report.json`, or of `alignment/data_report.json`."""
    scale = report.get("rating_scale")
    panels = {
        "kinds": ("Groups by kind", "kind of group", "groups"),
        "group_sizes": ("Groups by size", "candidates in a group", "groups"),
        "ratings": (
            "Candidates by rating",
            f"rating, 1 to {scale}" if scale else "rating",
            "candidates",
        ),
    }
    for name, (title, x_label, y_label) in panels.items():
        counts = report.get(name)
        if isinstance(counts, Mapping) and counts:
            yield Figure(
                id=f"data-{name.replace('_', '-')}",
                place="data",
                title=title,
                kind="bars",
                x_label=x_label,
                y_label=y_label,
                series=[Series(y_label, [Point(str(x), y) for x, y in sorted_counts(counts)])],
                y_low=0.0,
            )


def sorted_counts(counts: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return counts by name: numbers by size, then words as they come."""

    def order(item: tuple[str, float]) -> tuple[int, float]:
        try:
            return 0, float(item[0])
        except ValueError:
            return 1, 0.0

    return sorted(counts.items(), key=order)
