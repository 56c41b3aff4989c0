"""A seat: the turns that wait for one person, and what the person's page shows."""

import hashlib
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from typing import Any

from social_sandbox.envs.rules.turns import MIN_RATING, RATED_PHASES, Phase, Turn, Utterance
from social_sandbox.envs.rules.world import World

from ..browser.guard import Refused

LONGEST_ANSWER = 20_000
"""Most letters of an answer or of a reason."""

PAGE_IS_OPEN_S = 5.0
"""A page that has not asked for so long is closed."""


class Seat:
    """What one person is asked, turn by turn; used by the rollout's thread and by the server's."""

    def __init__(self, name: str) -> None:
        """Create the seat of a person with this name."""
        self.name = name
        self._waiting: dict[str, tuple[Turn, Future[Utterance]]] = {}
        self._worlds: Sequence[World] = ()
        self._agents: tuple[str, ...] = ()
        self._answered = 0
        self._lock = threading.Lock()
        self._last_seen = -math.inf
        self._is_told = False
        self.is_closed = False

    def watch(self, worlds: Sequence[World]) -> None:
        """Show how far these worlds are, from now on."""
        self._worlds, self._is_told = worlds, False

    def ask(self, turn: Turn) -> "Future[Utterance]":
        """Put a turn behind those that wait, and return the future of the answer."""
        future: Future[Utterance] = Future()
        with self._lock:
            self._waiting[turn_key(turn)] = (turn, future)
        return future

    def withdraw(self, turn: Turn) -> None:
        """Take a turn away that nobody waits for any more."""
        with self._lock:
            self._waiting.pop(turn_key(turn), None)

    def answer(self, key: str, text: str, rating: float | None) -> None:
        """Answer a turn. An answer that was sent twice counts once.

        Args:
            key: See `turn_key`.
            text: The answer, or the reason of the rating.
            rating: The rating; None where none can be given.

        Raises:
            Refused: The text is too long or missing, or the rating is not on the scale.
        """
        with self._lock:
            if key not in self._waiting:
                return
            turn, future = self._waiting[key]
            utterance = _utterance(turn, text, rating)
            del self._waiting[key]
            self._answered += 1
        try:
            future.set_result(utterance)
        except InvalidStateError:
            # The simulation was stopped between the question and the answer.
            raise Refused(409, "the simulation was stopped; your answer is not recorded") from None

    def state(self) -> dict[str, Any]:
        """Return what the page shows: the first turn that waits, and how far the society is."""
        self._last_seen = time.monotonic()
        with self._lock:
            turns = [turn for turn, _ in self._waiting.values()]
        is_done = bool(self._worlds) and all(world.done for world in self._worlds)
        if turns and not self.is_closed:
            status = "asked"
        else:
            status = "done" if is_done else "stopped" if self.is_closed else "waiting"
        self._is_told = self.is_closed
        return {
            "name": self.name,
            "status": status,
            "answered": self._answered,
            "waiting": len(turns),
            "finished": sum(len(world.interactions) for world in self._worlds),
            "interactions": sum(
                world.config.n_rounds * len(world.social_agents) for world in self._worlds
            ),
            "rounds": max((world.config.n_rounds for world in self._worlds), default=0),
            "worlds": len(self._worlds),
            "turn": _shown(turns[0]) if status == "asked" else None,
        }

    @property
    def must_be_told(self) -> bool:
        """Whether a page is open that does not know yet that everything has ended."""
        return time.monotonic() - self._last_seen < PAGE_IS_OPEN_S and not self._is_told


def turn_key(turn: Turn) -> str:
    """Return a key that a turn also has after an interrupted simulation was started again."""
    asked = "\0".join((turn.world, turn.id, str(turn.seed), turn.question, turn.answer))
    return hashlib.blake2b(asked.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _utterance(turn: Turn, text: str, rating: float | None) -> Utterance:
    if len(text) > LONGEST_ANSWER:
        raise Refused(400, f"the text is longer than {LONGEST_ANSWER} letters")
    text = text.strip()
    if turn.phase not in RATED_PHASES:
        if not text:
            raise Refused(400, "please write an answer")
        return Utterance(text)
    if rating is not None and not MIN_RATING <= rating <= turn.rating_scale:
        raise Refused(400, f"the rating is a number from {MIN_RATING} to {turn.rating_scale}")
    return Utterance(text, rating=rating)


def _shown(turn: Turn) -> dict[str, Any]:
    """Return the parts of a turn that a person has to know."""
    memory = turn.memory and {"question": turn.memory.question, "answer": turn.memory.answer}
    return {
        "key": turn_key(turn),
        "agent": turn.agent,
        "subject": turn.subject,
        "world": turn.world,
        "round": turn.round + 1,
        "phase": turn.phase.value,
        "rated": turn.phase in RATED_PHASES,
        "aspect": turn.aspect or "alignment",
        "question": turn.question,
        "answer": None if turn.phase is Phase.DRAFT else turn.answer,
        "memory": memory,
        "opinions": [
            {"peer": each.peer, "rating": each.rating, "reason": each.reason}
            for each in turn.opinions
        ],
        "mean_rating": turn.mean_rating,
        "scale": turn.rating_scale,
        "reason": turn.reason,
        "earlier": [[message.role, message.content] for message in turn.earlier],
    }
