"""A turn is one thing that one agent is asked to do now; an utterance is the answer to it."""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from .messages import Conversation

MIN_RATING = 1
RATING_SCALE = 7
"""The highest rating, unless a society chooses another one of `RATING_SCALES`."""

RATING_SCALES = (7, 10)
"""Those of the paper's simulation and of its judge."""

Aspect = Literal["alignment", "engagement"]
Judged = Literal["draft", "revision"]
ASPECTS: tuple[Aspect, ...] = ("alignment", "engagement")
JUDGED: tuple[Judged, ...] = ("draft", "revision")


class Phase(StrEnum):
    """What a turn asks for; a Back-Scatter goes through the phases in this order."""

    DRAFT = "draft"
    FEEDBACK = "feedback"
    REVISE = "revise"
    OBSERVE = "observe"


RATED_PHASES = frozenset({Phase.FEEDBACK, Phase.OBSERVE})


@dataclass(frozen=True, slots=True)
class Recollection:
    """An answer that an agent remembers, for the remembered question nearest to the one asked.

    `distance` is 1 - cosine similarity of the two questions' embeddings.
    """

    question: str
    answer: str
    distance: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a peer thinks of a draft; `rating` is None where the peer produced none."""

    peer: str
    rating: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that one agent is asked to do now.

    `agent` acts; `subject` is the agent whose answer is in play (itself in `draft` and
    `revise`). `answer` is the text to be judged or revised. `opinions` (only in `revise`) end
    with the lowest-rated one. `aspect` and `judged` are set in `observe` only. `reason` says
    whether a reason is wanted with a rating, which lies on 1..`rating_scale`. `earlier` is what the
    conversation held before the question; a society's questions open theirs. `seed` is unique to
    the turn: a policy that samples should take its randomness from there, and nowhere else.
    """

    id: str
    world: str
    round: int
    agent: str
    subject: str
    phase: Phase
    question: str
    seed: int
    answer: str = ""
    opinions: tuple[Opinion, ...] = ()
    mean_rating: float | None = None
    memory: Recollection | None = None
    aspect: Aspect | None = None
    judged: Judged | None = None
    reason: bool = True
    rating_scale: int = RATING_SCALE
    earlier: Conversation = ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an utterance cost: tokens read and written, and at an API requests and money.

    `retries` of the `requests` were repetitions after a failure.
    """

    prompt: int = 0
    completion: int = 0
    requests: int = 0
    retries: int = 0
    usd: float = 0.0

    def __add__(self, other: "Tokens") -> "Tokens":
        """What both cost together."""
        return Tokens(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.requests + other.requests,
            self.retries + other.retries,
            self.usd + other.usd,
        )


@dataclass(frozen=True, slots=True)
class Utterance:
    """The answer to a turn: text (an answer, or the reason of a rating) and perhaps a rating.

    A rating lies on the turn's scale (its upper end is checked where the turn is answered), or is
    None where none could be produced; it is never guessed. `error` says in one line why there is
    no answer, where that is so. `cut_off`: a limit ended the text, which might have gone on. Halves
    of characters that are cut in two (lone surrogates, as JSON escapes can hold them) become
    U+FFFD: such a text could not be written to a file.
    """

    text: str = ""
    rating: float | None = None
    policy: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    error: str = ""
    cut_off: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for a rating off the scale; make the text valid Unicode."""
        try:
            self.text.encode()
        except UnicodeEncodeError:
            units = self.text.encode("utf-16", "surrogatepass")
            object.__setattr__(self, "text", units.decode("utf-16", "replace"))
        rating = self.rating
        if rating is None:
            return
        if not math.isfinite(rating) or rating < MIN_RATING:
            raise ValueError(
                f"a rating is a number of at least {MIN_RATING}, or None, got {rating!r}"
            )

    def check(self, rating_scale: int) -> None:
        """Raise ValueError for a rating above the scale."""
        if self.rating is not None and self.rating > rating_scale:
            ends = f"{MIN_RATING} to {rating_scale}"
            raise ValueError(f"a rating is {ends} or None, got {self.rating!r}")
