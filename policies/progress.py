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

from social_sandbox.envs.interactions import Interaction, mean
from social_sandbox.envs.turns import Aspect, Turn, Utterance
from social_sandbox.envs.world import World

from .account import Account


class RolloutProgress:
    """Counts what a rollout does, and shows it while it runs."""

    def __init__(self, worlds: Sequence[World], account: Account, *, enabled: bool) -> None:
        """`worlds` give the number of interactions to come; nothing is shown if not enabled."""
        self._account = account
        self._bar = Progress(
            TextColumn("simulate"),
            BarColumn(20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[rates]}"),
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

    def _show(self) -> None:
        if self._bar.disable:
            return
        seconds = max(monotonic() - self._start, 1e-9)
        ratings = (f"{aspect} {self._running(aspect)}" for aspect in ("alignment", "engagement"))
        rates = (
            f"{self._played / seconds:.2f} interactions/s, {self._tokens / seconds:.0f} tokens/s"
        )
        self._bar.update(self._task, rates=", ".join([rates, *ratings, *self._costs()]))

    def _costs(self) -> Iterator[str]:
        """Requests, retries and money, where there are any."""
        total = self._account.total
        if total.requests:
            yield f"{total.requests} requests" + f" ({total.retries} retries)" * bool(total.retries)
        if total.usd:
            yield f"{total.usd:.4g} USD"

    def _running(self, aspect: Aspect) -> str:
        """Mean rating of the last 100 drafts and revisions."""
        recent = self._done[-100:]
        before = mean(interaction.rating(aspect, "draft") for interaction in recent)
        after = mean(interaction.rating(aspect, "revision") for interaction in recent)
        return "-" if before is None or after is None else f"{before:.2f}>{after:.2f}"
