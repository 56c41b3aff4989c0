"""Playing many worlds at once, so that every policy is kept busy."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.interactions import Interaction
from social_sandbox.envs.turns import Turn, Utterance
from social_sandbox.envs.world import World

from .. import background
from ..adapt import checked
from ..policy import AsyncPolicy, Policy
from .account import Account, Budget
from .population import Cast, Population, as_population
from .progress import RolloutProgress

Said = Sequence[tuple[Turn, Utterance]]
OnUtterances = Callable[[Said], None]
OnInteraction = Callable[[Interaction, Account], None]


def rollout(
    worlds: Sequence[World],
    population: Population | Any,
    *,
    on_utterances: OnUtterances | None = None,
    on_interaction: OnInteraction | None = None,
    budget: Budget | None = None,
    chunk: int = 128,
    progress: bool = False,
) -> list[Interaction]:
    """Play worlds to their end; returns the interactions in the order in which they finished.

    The pending turns of all worlds are gathered by policy. A policy is asked for `chunk` turns at
    once, an `AsyncPolicy` turn by turn with `max_concurrency` of them under way, while the others
    compute. What is said does not depend on this order: a world played alone gives the same
    interactions, as long as its policies answer a turn the same in any batch.

    When a policy fails, or the caller is interrupted, what others have answered is still told to
    `on_utterances`.

    Args:
        worlds: worlds with different names, perhaps partly played.
        population: who plays whom; or one agent (see `as_policy`) who plays everybody.
        on_utterances: called with what was said before the worlds hear of it: the place to log it.
        on_interaction: called as each interaction finishes, with what has been spent by then.
        budget: how much may be spent, what the worlds have cost before included.
        chunk: a policy is asked for at most so many turns at once.
        progress: show a live progress bar.

    Raises:
        UserError: two worlds share a name, or a policy answers with something else than one
            utterance a turn.
        BudgetReached: the budget is spent.
    """
    by_name = {world.name: world for world in worlds}
    marks = {world.name: world.opened()[1] for world in worlds}
    if len(by_name) != len(worlds):
        raise UserError("rollout: every world needs a name of its own")
    cast = as_population(population).cast(worlds)
    finished: list[Interaction] = []
    desk, account, budget = _Desk(cast, chunk), Account.of(worlds), budget or Budget()
    typing = any(map(_is_typing, cast.values()))
    with RolloutProgress(worlds, account, enabled=progress and not typing) as bar:

        def hear(said: Said) -> None:
            if not said:
                return
            if on_utterances:
                on_utterances(said)
            account.add(utterance for _, utterance in said)
            bar.heard(said)
            for turn, utterance in said:
                interaction = by_name[turn.world].submit(turn.id, utterance)
                if interaction:
                    finished.append(interaction)
                    bar.finished(interaction)
                    if on_interaction:
                        on_interaction(interaction, account)
            for name in dict.fromkeys(turn.world for turn, _ in said):
                opened, marks[name] = by_name[name].opened(marks[name])
                desk.put(opened)

        for world in worlds:
            desk.put(world.pending())
        try:
            while desk.busy:
                account.check(budget)
                hear(desk.next())
        except BaseException as error:
            # What has been answered meanwhile is paid for: it must not be lost. Those under way
            # are waited for, unless the user wants to stop now.
            for said in desk.rest(wait=isinstance(error, Exception)):
                hear(said)
            raise
    return finished


def _is_typing(policy: Policy) -> bool:
    """Whether it is a person at this terminal."""
    return bool(getattr(policy, "interactive", False))


class _Desk:
    """Which turns wait for whom, and which are under way."""

    def __init__(self, cast: Cast, chunk: int) -> None:
        self._cast, self._chunk = cast, chunk
        self._policies: dict[Hashable, Policy] = {}
        self._waiting: dict[Hashable, deque[Turn]] = {}
        self._unheard = 0
        self._under_way: dict[Future[Utterance], tuple[Hashable, Turn]] = {}
        self._done: SimpleQueue[Future[Utterance]] = SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether anybody has something to say."""
        return self._unheard > 0

    def put(self, turns: Sequence[Turn]) -> None:
        """Take turns in, each of them once."""
        for turn in turns:
            policy = self._cast[turn.world, turn.agent]
            # Policies that can answer in the same batches form one queue.
            queue = getattr(policy, "together", id(policy))
            self._policies[queue] = policy
            self._waiting.setdefault(queue, deque()).append(turn)
        self._unheard += len(turns)

    def next(self) -> Said:
        """Some answers; waits for them."""
        self._launch()
        arrived = self._arrived()
        if arrived:
            return arrived
        # Who computes here does so while others are under way; the one with most to do first.
        computing = [
            (len(turns), place, name)
            for place, (name, turns) in enumerate(self._waiting.items())
            if turns and not isinstance(self._policies[name], AsyncPolicy)
        ]
        if computing:
            *_, name = max(computing)
            policy, turns = self._policies[name], self._waiting[name]
            # A person answers turn by turn: what has been typed must not wait for the rest.
            most = 1 if _is_typing(policy) else self._chunk
            asked = [turns.popleft() for _ in range(min(most, len(turns)))]
            players = [self._cast[turn.world, turn.agent] for turn in asked]
            if all(player is policy for player in players):
                said = policy.act(asked)
            else:
                said = policy.act_together(asked, players)  # type: ignore[attr-defined]
            return self._heard(asked, checked(said, asked, policy.name))
        return self._take(self._done.get())

    def rest(self, *, wait: bool) -> Iterator[Said]:
        """What is under way still: waited for, or what has arrived of it; nothing new is begun."""
        while self._under_way if wait else not self._done.empty():
            try:
                yield self._take(self._done.get())
            except Exception:
                continue
        for future in list(self._under_way):
            future.cancel()

    def _launch(self) -> None:
        for name, turns in self._waiting.items():
            policy = self._policies[name]
            if not isinstance(policy, AsyncPolicy):
                continue
            running = sum(owner == name for owner, _ in self._under_way.values())
            for _ in range(min(policy.max_concurrency - running, len(turns))):
                turn = turns.popleft()
                future = background.start(policy.answer(turn))
                self._under_way[future] = (name, turn)
                future.add_done_callback(self._done.put)

    def _arrived(self) -> Said:
        said: list[tuple[Turn, Utterance]] = []
        while not self._done.empty():
            future = self._done.get()
            if said and future.exception():
                self._done.put(future)
                break
            said += self._take(future)
        return said

    def _take(self, future: Future[Utterance]) -> Said:
        name, turn = self._under_way.pop(future)
        return self._heard([turn], checked([future.result()], [turn], self._policies[name].name))

    def _heard(self, turns: Sequence[Turn], said: Sequence[Utterance]) -> Said:
        self._unheard -= len(turns)
        return list(zip(turns, said, strict=True))
