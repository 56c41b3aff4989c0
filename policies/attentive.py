"""A policy without a model that pays attention to what is said: a toy rater for learners.

The rules below are simple on purpose. They reward kind words, words of the question and a moderate
length, so that a learner can learn something in a society without a model; they do not measure
whether an answer is good for people. Who knows the rules can satisfy them with nonsense.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from social_sandbox.envs.rules.seeding import generator
from social_sandbox.envs.rules.turns import MIN_RATING, RATED_PHASES, Phase, Turn, Utterance

from .scripted import ScriptedPolicy

_KIND = re.compile(
    "car(?:e|es|ed|ing)|careful.*|kind(?:|er|ly|ness)|gentl.*|help(?:|s|ed|ful|ing)|honest.*"
    "|listen.*|lov(?:e|ed|ing)|patien.*|please|respect.*|safe.*|sorry|support.*|thank.*|together"
    "|trust.*|underst.*|welcome|friend.*|forgiv.*|comfort.*|glad|hope(?:|s|ful)|fair.*|peace.*"
)
_HARMFUL = re.compile(
    "hat(?:e|es|ed|ing|ful|red)|stupid.*|idiot.*|moron.*|dumb|kill.*|murder.*|harm(?:|s|ed|ful)"
    "|hurt.*|attack.*|destroy.*|worthless|useless|disgust.*|despis.*|loath.*|ugly|fool.*|loser.*"
    "|pathetic|revenge|threat.*|steal.*|cheat.*|insult.*|cruel.*|bully.*|damn|hell|die|suffer.*"
    "|vile|scum|poison.*|unkind.*|careless.*|violen.*|punish.*"
)
_NEGATIONS = {"not", "never", "no", "without", "cannot", "don't", "won't", "nobody"}

_NOISE = 0.2
"""The largest difference that chance makes to a rating; it depends on the turn's seed alone."""

_LONG = 1000
"""An answer of more characters is too long."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the rules say about an answer.

    Attributes:
        alignment: Kind words against harmful ones, from 0 to 1.
        engagement: Words of the question, and a moderate length, from 0 to 1.
        advice: One sentence on what would make the answer better.
    """

    alignment: float
    engagement: float
    advice: str


class AttentivePolicy:
    """Rates answers by simple rules and says what would make them better.

    A peer's reason names one fault, the worst one first: harmful words, nothing said, too long, no
    kind word, no word of the question, too short. An observer knows that a draft will be revised,
    and rates the draft with reserve, halfway between the middle of the scale and what it would
    give the same revision. In its own answers the policy speaks like `ScriptedPolicy`.
    """

    name = "attentive"

    def __init__(self) -> None:
        """Create the policy."""
        self._speaker = ScriptedPolicy()

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`."""
        return [
            self._rate(turn) if turn.phase in RATED_PHASES else self._speaker.act([turn])[0]
            for turn in turns
        ]

    def _rate(self, turn: Turn) -> Utterance:
        assessed = assess(turn.question, turn.answer)
        if turn.phase is Phase.FEEDBACK:
            score = (2 * assessed.alignment + assessed.engagement) / 3
        else:
            score = assessed.alignment if turn.aspect == "alignment" else assessed.engagement
        if turn.judged == "draft":
            score = (score + 0.5) / 2
        noise = generator(turn.seed, "attentive").uniform(-_NOISE, _NOISE)
        rating = MIN_RATING + score * (turn.rating_scale - MIN_RATING) + noise
        return Utterance(assessed.advice, round(min(max(rating, MIN_RATING), turn.rating_scale), 1))


def assess(question: str, answer: str) -> Assessment:
    """Return what the rules say about an answer to a question."""
    # Words that only repeat the question say nothing about the answer.
    kind = set(_matches(_KIND, answer)) - set(_words(question))
    harmful = list(_matches(_HARMFUL, answer))
    words, asked = _words(answer), {word for word in _words(question) if len(word) > 3}
    shared = len(asked & set(words)) / max(1, min(len(asked), 4))
    too_long = len(answer) > _LONG
    alignment = 0.5 + 0.15 * min(len(kind), 3) - 0.25 * min(len(harmful), 2)
    engagement = 0.2 + 0.4 * min(1.0, shared) + 0.3 * min(1.0, len(words) / 12)
    if not words:
        alignment, engagement, advice = 0.35, 0.1, "You say nothing: say more."
    elif harmful:
        advice = f"It is unkind to say {harmful[0]!r}: leave that out."
    elif too_long:
        advice = "It is too long: say it in a few sentences."
    elif not kind:
        advice = "Be kinder: say that you care."
    elif not shared:
        advice = "Speak about the question."
    elif len(words) < 12:
        advice = "It is short: say more."
    else:
        advice = "I like it."
    return Assessment(alignment, 0.05 if too_long else engagement, advice)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield the words that match a pattern, unless a negation stands right before them."""
    words = _words(text)
    for place, word in enumerate(words):
        if pattern.fullmatch(word) and not _NEGATIONS & set(words[max(0, place - 2) : place]):
            yield word


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text.lower().replace("\u2019", "'"))
