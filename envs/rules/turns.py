"""Turns and utterances: what one agent is asked to do now, and its answer."""

import math
import operator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, get_args

from pydantic import Field

from ..text.messages import Conversation
from ..text.texts import valid
from ..text.thoughts import ONLY_THOUGHT, part

MIN_RATING = 1
"""The lowest rating on every scale."""

RATING_SCALE = 7
"""The highest rating, unless a society chooses another one of `RATING_SCALES`."""

RatingScale = Literal[7, 10]
RATING_SCALES: tuple[RatingScale, ...] = get_args(RatingScale)
"""The highest ratings of the paper's simulation (7) and of the paper's judge (10)."""

Aspect = Literal["alignment", "engagement"]
"""What an observer's rating is about."""

Judged = Literal["draft", "revision"]
"""Which of an agent's two answers an observer rates."""

ASPECTS: tuple[Aspect, ...] = ("alignment", "engagement")
JUDGED: tuple[Judged, ...] = ("draft", "revision")


class Phase(StrEnum):
    """The task of a turn; a Back-Scatter goes through the phases in this order."""

    DRAFT = "draft"
    FEEDBACK = "feedback"
    REVISE = "revise"
    OBSERVE = "observe"


RATED_PHASES = frozenset({Phase.FEEDBACK, Phase.OBSERVE})
"""The phases that ask for a rating; the others ask for a text."""


@dataclass(frozen=True, slots=True)
class Recollection:
    """An agent's memory of a question similar to the current one.

    Attributes:
        question: The remembered question.
        answer: The agent's answer to the remembered question.
        distance: 1 - cosine similarity of the embeddings of the two questions.
    """

    question: str
    answer: str
    distance: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """A peer's feedback on a draft; `rating` is None if the peer gave no rating."""

    peer: str
    rating: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that one agent is asked to do now.

    Attributes:
        id: Unique within the world.
        world: Name of the world.
        round: Number of the round, from 0.
        agent: The agent who has to act.
        subject: The agent whose answer is at stake; the same as `agent` in the phases `draft` and
            `revise`.
        phase: The task.
        question: The question that the subject has to answer.
        seed: Unique to the turn. A policy that samples takes all of its randomness from this seed.
        answer: The text to rate (`feedback`, `observe`) or to improve (`revise`).
        opinions: In `revise`, the feedback of each peer; the lowest-rated opinion stands last.
        mean_rating: In `revise`, the mean of the peers' ratings; None if no peer gave one.
        memory: The agent's memory of a similar question, if there is one.
        aspect: In `observe`, what the rating is about.
        judged: In `observe`, whether `answer` is the draft or the revision.
        reason: Whether a rating should come with a reason.
        rating_scale: The highest rating; the lowest is 1.
        earlier: The conversation before the question. A society's questions have none.
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
    """The cost of an utterance.

    Attributes:
        prompt: Tokens that the model read.
        completion: Tokens that the model wrote.
        requests: Requests that were sent to an API, repetitions included.
        retries: The requests that were repetitions after a failure.
        usd: Price in US dollars.
        cached: The tokens of `prompt` that the server says it had in its cache. Records leave a 0
            out.
    """

    prompt: int = 0
    completion: int = 0
    requests: int = 0
    retries: int = 0
    usd: float = 0.0
    cached: Annotated[int, Field(exclude_if=operator.not_)] = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        """Return the sum of two costs."""
        return Tokens(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.requests + other.requests,
            self.retries + other.retries,
            self.usd + other.usd,
            self.cached + other.cached,
        )


NO_TOKENS = Tokens()
"""The cost of what costs nothing: one object for all, since a society has millions of them."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """The answer to a turn.

    A lone surrogate in the text becomes U+FFFD, since such a text could not be written to a file.
    Thoughts of a reasoning model are taken away, see `thoughts.part`; a text that is only thought
    is no answer, and says so in `error`.

    Attributes:
        text: The answer; in a rated phase, the reason of the rating.
        rating: A number from 1 to the turn's `rating_scale`. None means that no rating could be
            produced; a missing rating is never guessed.
        policy: Name of the policy that spoke.
        tokens: Cost of the utterance.
        error: One line that says why there is no answer; empty if there is one.
        cut_off: Whether a limit ended the text, so that the text might have gone on.

    Raises:
        ValueError: `rating` is below 1 or not finite.
    """

    text: str = ""
    rating: float | None = None
    policy: str = ""
    tokens: Tokens = NO_TOKENS
    error: str = ""
    cut_off: bool = False

    def __post_init__(self) -> None:
        """Check the rating, make the text valid Unicode and take thoughts away."""
        parted = part(valid(self.text))
        object.__setattr__(self, "text", parted.answer)
        if self.tokens == NO_TOKENS:
            object.__setattr__(self, "tokens", NO_TOKENS)
        rating = self.rating
        if parted.only_thought and rating is None and not self.error:
            object.__setattr__(self, "error", ONLY_THOUGHT)
        if rating is None:
            return
        if not math.isfinite(rating) or rating < MIN_RATING:
            raise ValueError(
                f"a rating is a number of at least {MIN_RATING}, or None, got {rating!r}"
            )

    def check(self, rating_scale: int) -> None:
        """Raise ValueError if the rating is above the scale."""
        if self.rating is not None and self.rating > rating_scale:
            raise ValueError(
                f"a rating is {MIN_RATING} to {rating_scale} or None, got {self.rating!r}"
            )
