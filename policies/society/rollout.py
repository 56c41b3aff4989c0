"""The loop that plays many worlds at once, so that every policy is kept busy."""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from social_sandbox.envs.collector import rarely_collecting
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import Turn, Utterance
from social_sandbox.envs.rules.world import World

from .. import background
from ..adapt import to_utterances
from ..policy import AsyncPolicy, Policy
from .account import Account, Budget
from .phased import distinct, player_of
from .population import Cast, Population, as_population
from .progress import RolloutProgress, ShowProgress

Answers = Sequence[tuple[Turn, Utterance]]
"""Turns with their answers."""

OnUtterances = Callable[[Answers], None]
OnInteraction = Callable[[Interaction, Account], None]


def rollout(
    worlds: Sequence[World],
    population: Population | Any,
    *,
    on_utterances: OnUtterances | None = None,
    on_interaction: OnInteraction | None = None,
    budget: Budget | None = None,
    check: Callable[[], None] | None = None,
    chunk: int = 128,
    progress: ShowProgress = False,
    only: Callable[[Turn], bool] | None = None,
) -> list[Interaction]:
    """Play worlds to their end.

    The pending turns of all worlds are gathered by policy. A policy answers up to `chunk` turns
    at once. An `AsyncPolicy` answers turn by turn, up to `max_concurrency` of them at the same
    time, while the other policies compute. The interactions do not depend on the order of the
    answers: a world played alone gives the same ones, provided that its policies give the same
    answer to a turn in any batch.

    When a policy fails or the caller is interrupted, `on_utterances` still gets the answers of the
    other policies that have arrived.

    Args:
        worlds: Worlds with different names, perhaps partly played.
        population: The policies of the agents, or one agent (see `as_policy`) who plays everybody.
        on_utterances: Called with answers before they are submitted to their worlds, to log them.
        on_interaction: Called with every finished interaction and the cost so far.
        budget: Limits of the cost, including the past cost of partly played worlds.
        check: Called before more answers are awaited. An exception ends the rollout, once the
            answers under way have arrived.
        chunk: The largest number of turns in a batch.
        progress: Whether to show a live progress bar; `full`: and the last finished interaction.
        only: Says which turns are played; default: all. The worlds stay where the others wait.

    Returns:
        The interactions in the order in which they finished.

    Raises:
        UserError: Two worlds share a name, an agent has no policy, or a policy does not return one
            answer for each turn.
        BudgetReached: The budget is spent.
    """
    by_name = {world.name: world for world in worlds}
    marks = {world.name: world.opened()[1] for world in worlds}
    if len(by_name) != len(worlds):
        raise UserError("rollout: two worlds have the same name")
    cast = as_population(population).cast(worlds)
    policies = distinct(cast.values())
    for policy in policies:
        # A person likes to see how far the others are.
        if watch := getattr(policy, "watch", None):
            watch(worlds)
    finished: list[Interaction] = []
    queues, account, budget = _Queues(cast, chunk), Account.of(worlds), budget or Budget()
    interactive = any(map(_is_interactive, policies))
    with (
        rarely_collecting(),
        RolloutProgress(worlds, account, show=not interactive and progress) as bar,
    ):

        def submit(answers: Answers) -> None:
            if not answers:
                return
            if on_utterances:
                on_utterances(answers)
            account.add(utterance for _, utterance in answers)
            bar.add_answers(answers)
            for turn, utterance in answers:
                interaction = by_name[turn.world].submit(turn.id, utterance)
                if interaction:
                    finished.append(interaction)
                    bar.add_interaction(interaction)
                    if on_interaction:
                        on_interaction(interaction, account)
            for name in dict.fromkeys(turn.world for turn, _ in answers):
                opened, marks[name] = by_name[name].opened(marks[name])
                queues.add([turn for turn in opened if only is None or only(turn)])

        for world in worlds:
            queues.add([turn for turn in world.pending() if only is None or only(turn)])
        try:
            while queues.busy:
                account.check(budget)
                if check:
                    check()
                submit(queues.next())
        except BaseException as error:
            # Answers that have arrived meanwhile have been paid for and must not be lost. The
            # requests in progress are awaited, unless the user has interrupted the program.
            for answers in queues.rest(wait=isinstance(error, Exception)):
                submit(answers)
            raise
    return finished


def _is_interactive(policy: Policy) -> bool:
    """Return whether a person at this terminal answers."""
    return bool(getattr(policy, "interactive", False))


class _Queues:
    """The turns that wait for an answer, by policy, and those that are in progress."""

    def __init__(self, cast: Cast, chunk: int) -> None:
        self._cast, self._chunk = cast, chunk
        self._policies: dict[Hashable, Policy] = {}
        self._waiting: dict[Hashable, deque[Turn]] = {}
        self._unanswered = 0
        self._asynchronous: dict[Hashable, AsyncPolicy] = {}
        self._running: Counter[Hashable] = Counter()
        self._in_progress: dict[Future[Utterance], tuple[Hashable, Turn]] = {}
        self._arrivals: SimpleQueue[Future[Utterance]] = SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether a turn waits for an answer or is in progress."""
        return self._unanswered > 0

    def add(self, turns: Sequence[Turn]) -> None:
        """Add turns, each turn once."""
        for turn in turns:
            policy = self._player(turn)
            # Policies that can answer in the same batches share a queue.
            name = getattr(policy, "together", id(policy))
            if name not in self._policies:
                self._waiting[name] = deque()
                if isinstance(policy, AsyncPolicy):
                    self._asynchronous[name] = policy
            self._policies[name] = policy
            self._waiting[name].append(turn)
        self._unanswered += len(turns)

    def next(self) -> Answers:
        """Return some answers, after waiting for them if necessary."""
        self._start_requests()
        arrived = self._arrived()
        if arrived:
            return arrived
        # Policies on this machine compute while requests are in progress, longest queue first.
        computing = [
            (len(turns), place, name)
            for place, (name, turns) in enumerate(self._waiting.items())
            if turns and name not in self._asynchronous
        ]
        if computing:
            *_, name = max(computing)
            return self._compute(name)
        return self._take(self._arrivals.get())

    def rest(self, *, wait: bool) -> Iterator[Answers]:
        """Yield the answers in progress, and start no new ones.

        Args:
            wait: Whether to await the answers that have not arrived yet; if not, they are
                cancelled. Nobody waits for a person, who may be away.
        """
        for future, (name, _) in list(self._in_progress.items()):
            if getattr(self._policies[name], "is_person", False) and future.cancel():
                del self._in_progress[future]
                self._running[name] -= 1
        while self._in_progress if wait else not self._arrivals.empty():
            try:
                yield self._take(self._arrivals.get())
            except Exception:
                continue
        for future in list(self._in_progress):
            future.cancel()

    def _compute(self, name: Hashable) -> Answers:
        """Return the answers to one batch of a queue."""
        policy, waiting = self._policies[name], self._waiting[name]
        # A person answers turn by turn, so that each answer is logged as soon as it is typed.
        size = 1 if _is_interactive(policy) else self._chunk
        turns = [waiting.popleft() for _ in range(min(size, len(waiting)))]
        players = [self._player(turn) for turn in turns]
        if all(player is policy for player in players):
            answers = policy.act(turns)
        else:
            answers = policy.act_together(turns, players)  # type: ignore[attr-defined]
        return self._pair(turns, to_utterances(answers, turns, policy.name))

    def _start_requests(self) -> None:
        """Start as many requests of each `AsyncPolicy` as its `max_concurrency` permits."""
        for name, policy in self._asynchronous.items():
            waiting = self._waiting[name]
            free = min(policy.max_concurrency - self._running[name], len(waiting))
            if free <= 0:
                continue
            turns = [waiting.popleft() for _ in range(free)]
            self._running[name] += free
            futures = background.start_all([policy.answer(turn) for turn in turns])
            for future, turn in zip(futures, turns, strict=True):
                self._in_progress[future] = (name, turn)
                future.add_done_callback(self._arrivals.put)

    def _arrived(self) -> Answers:
        """Return the answers that have arrived, up to the first failure."""
        answers: list[tuple[Turn, Utterance]] = []
        while not self._arrivals.empty():
            future = self._arrivals.get()
            if answers and future.exception():
                # The failure is raised by the next call, after these answers have been logged.
                self._arrivals.put(future)
                break
            answers += self._take(future)
        return answers

    def _take(self, future: Future[Utterance]) -> Answers:
        """Return the answer of a finished request, or raise its exception."""
        name, turn = self._in_progress.pop(future)
        self._running[name] -= 1
        policy = self._policies[name]
        return self._pair([turn], to_utterances([future.result()], [turn], policy.name))

    def _player(self, turn: Turn) -> Policy:
        return player_of(self._cast[turn.world, turn.agent], turn)

    def _pair(self, turns: Sequence[Turn], utterances: Sequence[Utterance]) -> Answers:
        self._unanswered -= len(turns)
        return list(zip(turns, utterances, strict=True))
