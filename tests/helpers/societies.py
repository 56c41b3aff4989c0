"""Small societies for the tests, and functions that answer every turn."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from social_sandbox.envs import Interaction, Phase, Question, Turn, Utterance, World, WorldConfig
from social_sandbox.envs.rules.seeding import generator
from social_sandbox.envs.rules.turns import RATED_PHASES

TOPICS = ("lending money", "a lost dog", "exam cheating", "noise at night", "jury duty", "gossip")
QUESTIONS = [
    Question(f"What about {topic}?", kind="daily", good=f"Kindly, {topic}", bad=f"Ha, {topic}")
    for topic in TOPICS
]
TEXTS = (
    "",
    "plain",
    "naïve, déjà vu",
    "日本語の答え",
    "🙂👩‍👩‍👧",
    "two\nlines\u2028more",
    '"quoted", \\ \x00',
)

Speaker = Callable[[Turn], Utterance]


def society(
    *,
    questions: Sequence[Question] = QUESTIONS,
    priors: Sequence[Question] | None = None,
    seed: int = 0,
    name: str = "world_0",
    **rules: Any,
) -> World:
    rules = {"grid_size": 3, "n_rounds": 1} | rules
    return World(WorldConfig(**rules), questions=questions, priors=priors, seed=seed, name=name)


def chat(seed: int, phase: str) -> Utterance:
    """Return an utterance that depends on the turn alone; its rating is missing now and then."""
    draw = generator(seed, "chat")
    text = TEXTS[draw.integers(len(TEXTS))]
    text = text and f"{text} {draw.integers(100)}"
    rating = float(draw.integers(4, 29)) / 4
    missing = Phase(phase) not in RATED_PHASES or draw.random() < 0.2
    return Utterance(text, None if missing else rating)


def chatter(turn: Turn) -> Utterance:
    return chat(turn.seed, turn.phase)


def play(world: World, speaker: Speaker = chatter, *, rounds: int | None = None) -> World:
    """Play a world to its end, or for the given number of rounds."""
    end = world.config.n_rounds if rounds is None else world.round + rounds
    while world.round < end and (turn := world.first_pending()):
        world.submit(turn.id, speaker(turn))
    return world


def answer(world: World, phase: Phase, speaker: Speaker) -> list[Interaction]:
    """Answer all pending turns of a phase, and return the interactions that this has finished."""
    turns = [turn for turn in world.pending() if turn.phase is phase]
    return world.replay((turn.id, speaker(turn)) for turn in turns)


def rates(*ratings: float | None, aspect_ratings: dict[Any, float] | None = None) -> Speaker:
    """Return a speaker whose feedback on every draft has these ratings, one after the other.

    The reason names the rating. In all other turns the speaker chats.
    """

    def speak(turn: Turn) -> Utterance:
        if turn.phase is Phase.FEEDBACK:
            rating = next(remaining.setdefault(turn.subject, iter(ratings)))
            return Utterance(f"reason for {rating}", rating)
        if turn.phase is Phase.OBSERVE and aspect_ratings is not None:
            return Utterance("", aspect_ratings.get((turn.judged, turn.aspect)))
        return chatter(turn)

    remaining: dict[str, Iterator[float | None]] = {}
    return speak
