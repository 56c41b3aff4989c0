"""The report on training data, as a table on the console."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from ..runtime.tables import facts


def print_report(console: Console, report: Mapping[str, Any]) -> None:
    """Print the report of `check_groups` and `measure_lengths`; an empty one prints nothing."""
    if not report:
        return
    table = facts("Training data")
    for source in report.get("sources", ()):
        if len(report["sources"]) > 1 or source["dropped"]:
            table.add_row(
                f"from {source['kind']}",
                f"{source['kept']} of {source['read']} groups{_reasons(source['dropped'])}",
            )
        parted = source.get("parted")
        if parted and parted["groups"]:
            table.add_row(
                f"parted from {source['kind']}",
                f"{parted['groups']} large groups in {parted['parts']} parts",
            )
    lost = sum(report["dropped"].values())
    share = f" = {lost / report['candidates']:.0%}" if lost else ""
    table.add_row("groups", f"{report['groups']}: {_counts(report['kinds'])}")
    table.add_row(
        "candidates",
        f"{report['candidates']}, dropped {lost}{share}{_reasons(report['dropped'])}; "
        f"{report['cut_off']} cut off, {report['duplicates']} in more than one group, "
        f"{report.get('tied', 0)} tied with the best of their group",
    )
    table.add_row("rating: candidates", _counts(report["ratings"], ": "))
    table.add_row("candidates: groups", _counts(report["group_sizes"], ": "))
    table.add_row("groups with contrast", f"{report['contrast']:.0%}")
    lengths = report.get("lengths")
    if isinstance(lengths, str):
        table.add_row("tokens", f"not known: {lengths}")
    elif lengths:
        for name in ("prompt", "response"):
            table.add_row(
                f"tokens of a {name}",
                "median {median}, 95 % up to {p95}, longest {max}".format(**lengths[name]),
            )
        table.add_row(
            f"longer than {lengths['max_length']}",
            f"{lengths['truncated']} candidates ({lengths['share_truncated']:.0%}) will be cut",
        )
    nearest = report.get("nearest_held_out")
    if nearest:
        table.add_row("nearest held-out question", f"at distance {nearest['distance']:.2f}")
    console.print(table)


def _counts(counts: Mapping[str, int], between: str = " ") -> str:
    if between == " ":
        return ", ".join(f"{count} {name}" for name, count in counts.items())
    ordered = sorted(counts.items(), key=lambda item: float(item[0]))
    return ", ".join(f"{name}{between}{count}" for name, count in ordered)


def _reasons(dropped: Mapping[str, int]) -> str:
    listed = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return f" ({listed})" if listed else ""
