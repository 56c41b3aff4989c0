"""The live line of a rollout: how far, how fast, and how the society is rated."""

from collections.abc import Iterator, Sequence
from time import monotonic
from types import TracebackType

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column

from social_sandbox.envs.interactions import Interaction, mean
from social_sandbox.envs.turns import ASPECTS, Aspect, Turn, Utterance
from social_sandbox.envs.world import World

from .account import Account


class RolloutProgress:
    """Counts what a rollout does, and shows it while it runs."""

    def __init__(self, worlds: Sequence[World], account: Account, *, enabled: bool) -> None:
        """`worlds` give the number of interactions to come; nothing is shown if not enabled."""
        self._account = account
        self._bar = Progress(
            BarColumn(10),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            # What does not fit is cut off here, and not at the bar.
            TextColumn("{task.fields[rates]}", table_column=Column(ratio=1, overflow="ellipsis")),
            expand=True,
            disable=not enabled,
        )
        total = sum(world.config.n_rounds * len(world.social_agents) for world in worlds)
        self._done = [done for world in worlds for done in world.interactions]
        self._task = self._bar.add_task(
            "simulate", total=total, completed=len(self._done), rates=""
        )
        self._played = self._tokens = 0
        self._start = monotonic()

    def __enter__(self) -> "RolloutProgress":
        """Begin to show."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last state standing."""
        self._bar.stop()

    def heard(self, said: Sequence[tuple[Turn, Utterance]]) -> None:
        """Count the tokens of some utterances."""
        self._tokens += sum(utterance.tokens.completion for _, utterance in said)
        self._show()

    def finished(self, interaction: Interaction) -> None:
        """Count an interaction."""
        self._done.append(interaction)
        self._played += 1
        self._bar.advance(self._task)
        self._show()

    def _show(self) -> None:
        if self._bar.disable:
            return
        seconds = max(monotonic() - self._start, 1e-9)
        # Short: with the bar it has to fit into 80 columns.
        rates = f"{self._played / seconds:.2f}/s {self._tokens / seconds:.0f} tokens/s"
        ratings = (f"{aspect[:5]} {self._running(aspect)}" for aspect in ASPECTS)
        self._bar.update(self._task, rates=" ".join([rates, *self._costs(), *ratings]))

    def _costs(self) -> Iterator[str]:
        """Requests, retries and money, where there are any."""
        total = self._account.total
        if total.requests:
            yield f"{total.requests} requests" + f" ({total.retries} again)" * bool(total.retries)
        if total.usd:
            yield f"${total.usd:.4g}"

    def _running(self, aspect: Aspect) -> str:
        """Mean rating of the last 100 drafts and revisions."""
        recent = self._done[-100:]
        before = mean(interaction.rating(aspect, "draft") for interaction in recent)
        after = mean(interaction.rating(aspect, "revision") for interaction in recent)
        return "-" if before is None or after is None else f"{before:.2f}>{after:.2f}"
