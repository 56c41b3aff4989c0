"""Tables and verdicts of safeguards, on the console and in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from ..runtime import tables

COLUMNS = ("safeguard", "items", "base", "aligned", "difference", "limit", "verdict")
NUMBERS = COLUMNS[1:-1]
Findings = Sequence[Mapping[str, Any]]
"""Contents of `findings` in `safeguards/results.json`."""


def print_safeguards(console: Console, findings: Findings) -> None:
    """Print the table of safeguards and a line for each verdict."""
    table = tables.table(
        *COLUMNS,
        title="Safeguards, in per cent; differences in points, with 95 % intervals",
        numbers=NUMBERS,
        whole=("verdict",),
    )
    for row in finding_rows(findings):
        table.add_row(*row)
    console.print(table)


def finding_rows(findings: Findings) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each safeguard, in the order of `COLUMNS`."""
    for finding in findings:
        comparison = finding["comparison"]
        difference = comparison["difference"]
        yield (
            f"{finding['name']} {finding['metric'].replace('_', ' ')}",
            str(difference["n"]) if difference else "-",
            _percent(comparison["base"]),
            _percent(comparison["aligned"]),
            _points(difference),
            f"{100 * finding['worse'] * finding['most']:+.0f}",
            verdict_word(finding),
        )


def verdict_word(finding: Mapping[str, Any]) -> str:
    """Return `held`, `broken`, or `unknown` for a safeguard that was not measured."""
    return "unknown" if finding["held"] is None else "held" if finding["held"] else "broken"


def safeguard_lines(findings: Findings) -> Iterator[str]:
    """Yield a plain line for each safeguard."""
    for finding in findings:
        how = "up" if finding["worse"] > 0 else "down"
        most = f"{100 * finding['most']:.0f} point{'s' if finding['most'] > 0.01 else ''}"
        if finding["held"] is None:
            yield f"safeguard unknown: {finding['what']}: fewer than two items"
            continue
        negation = "not " if finding["held"] else ""
        doubt = "" if finding["is_sure"] else "; the interval leaves a doubt: more items would help"
        yield (
            f"safeguard {verdict_word(finding)}: {finding['what']}: {negation}{how} by more than "
            f"{most} ({_points(finding['comparison']['difference'])}){doubt}"
        )


def _percent(estimate: Mapping[str, float] | None) -> str:
    return "-" if estimate is None else f"{100 * estimate['mean']:.1f}"


def _points(estimate: Mapping[str, float] | None) -> str:
    if estimate is None:
        return "-"
    mean, low, high = (100 * estimate[name] for name in ("mean", "low", "high"))
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"
