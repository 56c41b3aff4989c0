"""The progress bar of a rollout: interactions, speed, cost and ratings."""

from collections.abc import Iterable, Iterator, Sequence
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
from social_sandbox.envs.turns import ASPECTS, Aspect, Utterance
from social_sandbox.envs.world import World

from .account import Account


class RolloutProgress:
    """Shows the progress of a rollout while the rollout runs."""

    def __init__(self, worlds: Sequence[World], account: Account, *, enabled: bool) -> None:
        """Create the bar.

        Args:
            worlds: The worlds of the rollout; they determine the number of interactions.
            account: The running cost, which the rollout updates.
            enabled: Whether to show anything.
        """
        self._account = account
        self._bar = Progress(
            BarColumn(10),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            # On a narrow terminal this text is cut off, and the bar keeps its width.
            TextColumn(
                "{task.fields[rates]}",
                markup=False,
                table_column=Column(ratio=1, overflow="ellipsis"),
            ),
            expand=True,
            disable=not enabled,
        )
        total = sum(world.config.n_rounds * len(world.social_agents) for world in worlds)
        self._interactions = [one for world in worlds for one in world.interactions]
        self._task = self._bar.add_task(
            "simulate", total=total, completed=len(self._interactions), rates=""
        )
        self._n_played = self._n_tokens = 0
        self._start = monotonic()

    def __enter__(self) -> "RolloutProgress":
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the bar and leave its last state on the screen."""
        self._bar.stop()

    def add_utterances(self, utterances: Iterable[Utterance]) -> None:
        """Count the tokens of some utterances."""
        self._n_tokens += sum(utterance.tokens.completion for utterance in utterances)
        self._show()

    def add_interaction(self, interaction: Interaction) -> None:
        """Count a finished interaction."""
        self._interactions.append(interaction)
        self._n_played += 1
        self._bar.advance(self._task)
        self._show()

    def _show(self) -> None:
        if self._bar.disable:
            return
        seconds = max(monotonic() - self._start, 1e-9)
        # Short texts, since the whole line has to fit into 80 columns.
        rates = f"{self._n_played / seconds:.2f}/s {self._n_tokens / seconds:.0f} tokens/s"
        ratings = (f"{aspect[:5]} {self._recent_ratings(aspect)}" for aspect in ASPECTS)
        self._bar.update(self._task, rates=" ".join([rates, *self._costs(), *ratings]))

    def _costs(self) -> Iterator[str]:
        """Yield requests, retries and money, as far as there are any."""
        total = self._account.total
        if total.requests:
            yield f"{total.requests} requests" + f" ({total.retries} again)" * bool(total.retries)
        if total.usd:
            yield f"${total.usd:.4g}"

    def _recent_ratings(self, aspect: Aspect) -> str:
        """Return the mean ratings of the last 100 drafts and revisions."""
        recent = self._interactions[-100:]
        draft = mean(interaction.rating(aspect, "draft") for interaction in recent)
        revision = mean(interaction.rating(aspect, "revision") for interaction in recent)
        return "-" if draft is None or revision is None else f"{draft:.2f}>{revision:.2f}"
