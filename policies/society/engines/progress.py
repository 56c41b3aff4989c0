"""The progress of many workers: a line for all worlds, and a row for each worker."""

from collections.abc import Iterable
from time import monotonic
from types import TracebackType

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ...terminal import Terminal
from .ledger import Ledger, Report


class WorkersProgress:
    """Shows a ledger while workers play."""

    def __init__(self, ledger: Ledger, n_worlds: int, n_finished: int, *, show: bool) -> None:
        """Create the display.

        Args:
            ledger: What the workers report to.
            n_worlds: Number of all worlds.
            n_finished: Number of worlds that were finished before.
            show: Whether to show anything.
        """
        self._ledger, self._n_worlds, self.n_finished = ledger, n_worlds, n_finished
        self._began: dict[int, tuple[str, float, int]] = {}
        self._idle: set[int] = set()
        self._start = monotonic()
        self._before = sum(report.answers for report in ledger.worlds.values())
        self._live = None
        if show:
            self._live = Live(
                console=Terminal(highlight=False), get_renderable=self.render, auto_refresh=False
            )

    def __enter__(self) -> "WorkersProgress":
        """Show the display."""
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen."""
        if self._live:
            self._live.refresh()
            self._live.stop()
            if not self._live.console.is_terminal:
                self._live.console.print()

    def update(self, idle: Iterable[int] = ()) -> None:
        """Show what the workers have reported since; `idle` workers have nothing left to do."""
        self._idle = set(idle)
        if self._live:
            self._live.refresh()

    def render(self) -> RenderableType:
        """Return the line and the rows."""
        rows = Table.grid(padding=(0, 2))
        for number, report in sorted(self._ledger.workers.items()):
            rows.add_row(*map(Text, self._row(number, report)))
        return Group(Text(self._total(), no_wrap=True, overflow="ellipsis"), rows)

    def _total(self) -> str:
        worlds, total = self._ledger.worlds, self._ledger.account.total
        seconds = max(monotonic() - self._start, 1e-9)
        answers = sum(report.answers for report in worlds.values()) - self._before
        parts = [
            f"{self.n_finished}/{self._n_worlds} worlds",
            f"{sum(report.interactions for report in worlds.values())} interactions",
            f"{answers / seconds:.1f} answers/s",
            f"{total.completion} tokens",
        ]
        if total.requests:
            parts.append(f"{total.requests} requests ({total.retries} again)")
        if total.usd:
            parts.append(f"${total.usd:.4g}")
        return ", ".join(parts)

    def _row(self, number: int, report: Report) -> tuple[str, ...]:
        world, began, before = self._began.get(number, ("", 0.0, 0))
        if world != report.world:
            began, before = monotonic(), report.answers
            self._began[number] = (report.world, began, before)
        seconds = max(monotonic() - began, 1e-9)
        rate = (report.answers - before) / seconds
        return (
            f"worker {number + 1}",
            "idle" if number in self._idle else report.world,
            f"{report.interactions}/{report.expected}",
            "" if number in self._idle else f"{rate:.1f} answers/s",
        )
