"""The progress of a rollout on the console: turns, time, cost, ratings, the last interaction."""

from collections.abc import Iterable, Iterator, Sequence
from time import monotonic
from types import TracebackType
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from social_sandbox.envs.rules.interactions import Interaction, mean
from social_sandbox.envs.rules.turns import ASPECTS, Aspect, Turn, Utterance
from social_sandbox.envs.rules.world import World
from social_sandbox.envs.text.texts import for_terminal, in_one_line

from ..changed_text import marked
from ..terminal import Terminal
from .account import Account

ShowProgress = bool | Literal["full"]
"""Whether to show a progress bar; `full`: and the last finished interaction."""

_LINES = 3
"""Most lines of one text of the last interaction, so that all of it fits below the bar."""


_PAUSE = 0.05
"""Seconds between two counts of the rates; the bar is drawn ten times a second."""


class RolloutProgress:
    """Shows the progress of a rollout while the rollout runs."""

    def __init__(self, worlds: Sequence[World], account: Account, *, show: ShowProgress) -> None:
        """Create the bar.

        Args:
            worlds: The worlds of the rollout; they determine the number of interactions.
            account: The running cost, which the rollout updates.
            show: Whether to show anything, and how much.
        """
        self._account = account
        self._bar = _Bar(disable=not show)
        self._full = show == "full"
        self._rounds = max((world.config.n_rounds for world in worlds), default=0)
        self._total = sum(world.config.n_rounds * len(world.social_agents) for world in worlds)
        self._interactions = [one for world in worlds for one in world.interactions]
        # No interaction is finished before all of a round's drafts are written: turns are counted.
        self._turns_each = max((_turns(world) for world in worlds), default=1)
        self._n_before = len(self._interactions)
        self._n_turns = self._n_played = self._n_tokens = 0
        first = min((world.round for world in worlds), default=0)
        self._phase = self._shown_phase(min(first, self._rounds - 1), "draft")
        self._task = self._bar.add_task(
            "simulate",
            total=self._total * self._turns_each,
            completed=self._n_before * self._turns_each,
            phase=self._phase,
            interactions=self._counted(),
        )
        self._start = monotonic()
        self._counted_at = 0.0

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
        self._bar.last = None
        self._show(now=True)
        self._bar.stop()

    def add_answers(self, answers: Sequence[tuple[Turn, Utterance]]) -> None:
        """Count some answers and their tokens."""
        self._n_turns += len(answers)
        self._n_tokens += sum(utterance.tokens.completion for _, utterance in answers)
        turn, _ = answers[-1]
        self._phase = self._shown_phase(turn.round, turn.phase.value)
        self._show()

    def add_interaction(self, interaction: Interaction) -> None:
        """Count a finished interaction."""
        self._interactions.append(interaction)
        self._n_played += 1
        if self._full:
            self._bar.last = _LastInteraction(interaction)
        self._show()

    def _shown_phase(self, number: int, phase: str) -> str:
        """Return a phase with its round, whose number is that in ids and tables, from 0."""
        return f"round {max(0, number)} of 0-{max(0, self._rounds - 1)} {phase}"

    def _counted(self) -> str:
        return f"{self._n_before + self._n_played}/{self._total}"

    def _show(self, *, now: bool = False) -> None:
        """Move the bar, and count the rates anew unless that was done a moment ago."""
        if self._bar.disable:
            return
        if now or monotonic() - self._counted_at >= _PAUSE:
            self._counted_at = monotonic()
            self._bar.rates = self._rates()
        self._bar.update(
            self._task,
            completed=self._completed_turns(),
            phase=self._phase,
            interactions=self._counted(),
        )

    def _rates(self) -> str:
        seconds = max(monotonic() - self._start, 1e-9)
        rates = f"{self._n_played / seconds:.2f}/s, {self._n_tokens / seconds:.0f} tokens/s"
        ratings = (f"{aspect} {self._recent_ratings(aspect)}" for aspect in ASPECTS)
        return ", ".join([rates, *ratings, *self._costs()])

    def _completed_turns(self) -> int:
        """Return how many turns of the total are done; peers who are absent have none."""
        each, finished = self._turns_each, self._n_before + self._n_played
        if finished == self._total:
            return self._total * each
        in_progress = (self._total - finished) * each
        begun = max(0, self._n_turns - self._n_played * each)
        return finished * each + min(begun, in_progress)

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


def _turns(world: World) -> int:
    """Return how many turns an interaction has if all peers are there."""
    if not world.config.revise:
        return 1 + 2 * world.config.n_observers
    peers = min(world.config.n_peers, len(world.social_agents) - 1)
    return 2 + peers + 4 * world.config.n_observers


class _Bar(Progress):
    """A bar over the whole width, a line of rates, and the last interaction on a terminal."""

    def __init__(self, *, disable: bool) -> None:
        self.last: RenderableType | None = None
        self.rates = "no answer yet: models may have to be loaded first"
        # `Progress` asks for the parts before it has its own console.
        self._screen = Terminal(highlight=False)
        super().__init__(
            TextColumn("{task.fields[phase]}", markup=False),
            BarColumn(None),
            TaskProgressColumn(),
            TextColumn("{task.fields[interactions]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=self._screen,
            expand=True,
            disable=disable,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the parts, the last of which never fills its line.

        A terminal writes `^C` behind the last line. In a full line, this would begin a new line,
        and the bar would stay there twice.
        """
        yield self.make_tasks_table(self.tasks)
        if self.last is not None and self._screen.is_terminal:
            yield self.last
        line = Text(self.rates, no_wrap=True)
        line.truncate(max(1, self._screen.width - 4), overflow="ellipsis")
        yield line


class _LastInteraction:
    """The last finished interaction in a few lines."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the lines: question, draft, revision and ratings."""
        one = self._interaction
        yield Text(f"{one.id}  {_ratings(one)}", style="bold", no_wrap=True, overflow="ellipsis")
        draft, revision = in_one_line(one.draft.text), in_one_line(one.revision.text)
        texts = {
            "question": Text(in_one_line(for_terminal(one.question))),
            "draft": Text(for_terminal(draft) or _nothing(one.draft.error)),
            "revision": marked(draft[:2_000], revision[:2_000])
            if revision
            else Text(_nothing(one.revision.error)),
        }
        for name, text in texts.items():
            width = max(20, options.max_width - 10)
            lines = text.wrap(console, width)
            for number, line in enumerate(lines[:_LINES]):
                if number == _LINES - 1 and len(lines) > _LINES:
                    line.truncate(width - 1)
                    line.append("…")
                yield Text.assemble((f"{'' if number else name:<10}", "dim"), line)


def _ratings(one: Interaction) -> str:
    parts = []
    for aspect in ASPECTS:
        draft, revision = one.rating(aspect, "draft"), one.rating(aspect, "revision")
        shown = [f"{rating:.2f}" if rating is not None else "-" for rating in (draft, revision)]
        parts.append(f"{aspect} {'>'.join(shown)}")
    if one.mean_rating is not None:
        parts.append(f"peers {one.mean_rating:.2f}")
    return ", ".join(parts)


def _nothing(error: str) -> str:
    return f"(error: {in_one_line(for_terminal(error))})" if error else "(empty)"
