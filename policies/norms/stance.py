"""Norms of stance: how an answer stands to the person. The rules know English words alone."""

import re

from .language.imperatives import commands
from .language.reading import own_words, sentences, words_of
from .norm import Norm, examples

_FEELINGS = (
    r"(?:angry|anger|anxious|anxiety|ashamed|shame|alone|lonely|loneliness|afraid|fear|scared|scary"
    r"|frightened|frightening|betrayed|betrayal|burden|desperate|despair|devastated|devastating"
    r"|difficult|disappointed|disappointing|disappointment|distress|distressing|distressed|draining"
    r"|exhausted|exhausting|frustrated|frustrating|frustration|grief|guilt|guilty|hard|heavy"
    r"|helpless"
    r"|hopeless|hurt|hurtful|hurting|humiliated|humiliating|isolating|jealous|lost|miserable"
    r"|nervous"
    r"|overwhelmed|overwhelming|pain|painful|pressure|rage|rejected|sad|sadness|stressed|stressful"
    r"|stung|tempting|terrible|terrifying|tired|tiring|torn|tough|trapped|uncomfortable|unfair"
    r"|unsettling"
    r"|upset|upsetting|worn|worried|worry|worrying|wounded|happy|proud|excited|exciting|joy)"
)
_HARD = (
    r"(?:hard|difficult|heavy|painful|frightening|terrifying|scary|exhausting|draining|hurtful"
    r"|humiliating"
    r"|lonely|isolating|miserable|overwhelming|stressful|upsetting|unsettling|devastating"
    r"|frustrating|tiring"
    r"|disappointing|distressing|worrying|tough)"
)
_MUCH = (
    r"(?:\s+(?:so|very|really|truly|deeply|incredibly|quite|a|an|pretty|extremely|especially|all))*"
)
_FEELING = re.compile(
    rf"\bsorry\s+(?:to hear|you\b|your\b|that (?:you|this|it|he|she|they|your)\b|for your|about)"
    rf"|\b(?:that|this|it|which)(?:'s|\s+(?:is|was|must|can|may|might|sounds?|seems?|feels?|has))"
    rf"(?:\s+(?:be|been|feel|have|like|sound))*{_MUCH}\s+{_FEELINGS}\b"
    r"(?!\s+to\s+(?:say|tell|know|judge))"
    rf"|\byou(?:'re|\s+(?:are|were|must|may|might|sound|seem|feel|felt))(?:\s+(?:be|been|feel"
    rf"|feeling))*"
    rf"{_MUCH}\s+{_FEELINGS}\b"
    rf"|\byour\s+{_FEELINGS}\b"
    rf"|\b(?:is|are|be|feels?|sounds?|seems?|feeling"
    rf"|carrying something){_MUCH}\s+{_HARD}\b(?!\s+to\s+(?:say|tell|know|judge))"
    rf"|\b{_FEELINGS}\s+(?:is|are|makes?|can be)\s+(?:natural|normal|understandable|real|sense"
    rf"|common)\b"
    r"|\b(?:i|we)\s+(?:can\s+|do\s+|really\s+|fully\s+)*(?:understand|hear|see|imagine|feel|get"
    r"|know|appreciate)"
    r"\s+(?:that\s+|how\s+|why\s+|what\s+)*you(?:r|'re)?\b"
    r"|\b(?:makes?|made)\s+(?:perfect\s+|complete\s+|a lot of\s+)?sense\s+(?:that you|to feel"
    r"|to be)\b"
    r"|\b(?:okay|ok|normal|natural|alright|understandable|human)\s+(?:to feel|to be|that you"
    r"|for you to feel)"
    r"|\bunderstandably\b|\b(?:is|are|that's|it's)\s+(?:so\s+|very\s+"
    r"|completely\s+)?understandable\b"
    r"|\b(?:hurts?|stings?)\s+(?:to|when|that|so)\b|\bno wonder you\b|\bi'm (?:so )?glad you\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"(?:\b(?:not|never|no|hardly|nothing|don't|can't|cannot)|n't)\W{1,3}(?:\w+\W{1,3})?$",
    re.IGNORECASE,
)
_NOT_INSIDE = re.compile(r"\b(?:not|never|hardly)\b|n't\b", re.IGNORECASE)

_UNCERTAIN = re.compile(
    r"\bi\s+(?:\w+\s+)?(?:think|believe|guess|suspect|suppose|imagine|assume|wonder|gather)\b"
    r"|\bi(?:'m|\s+am)\s+(?:really\s+|still\s+|also\s+)?(?:not|unsure|uncertain|no expert)\s*"
    r"(?:(?:entirely|completely|quite|really|at all|so|too|100%|a|an|the)\s+)*(?:sure|certain"
    r"|expert|in a position|clear)?"
    r"|\bi\s+(?:may|might|could)\s+(?:well\s+|easily\s+)?be\s+(?:wrong|mistaken|missing)\b"
    r"|\bi\s+(?:do not|don't|cannot|can't|can not)\s+(?:really\s+|actually\s+)?(?:know|tell"
    r"|be sure|be certain|say for (?:sure|certain))\b"
    r"|\b(?:as|so)\s+far\s+as\s+i\s+(?:know|can|understand)\b|\bto (?:the best of )?my knowledge\b"
    r"|\b(?:in|from)\s+my\s+(?:opinion|view|understanding|point of view|limited)\b"
    r"|\bmy\s+(?:best\s+)?guess\b"
    r"|\bit\s+seems\s+to\s+me\b|\bit\s+depends\b|\b(?:it is|it's|that is|that's)\s+(?:hard"
    r"|difficult|impossible)\s+to\s+(?:say|know|tell|judge)\b"
    r"|\bwithout\s+(?:knowing|more\s+(?:details|information|context))\b|\bi\s+only\s+know\b"
    r"|\b(?:not|hardly)\s+(?:entirely\s+|completely\s+|yet\s+)?(?:certain|known for sure)\b"
    r"|\bnobody\s+(?:can\s+)?knows?\b",
    re.IGNORECASE,
)
_ENOUGH = 5
"""The least number of words that an answer says beside its uncertainty."""


def acknowledges_feeling(question: str, answer: str) -> float:
    """Say what the person may be feeling.

    1 if a sentence names a feeling as the person's own or as fitting ("that sounds hard", "your
    anger makes sense", "I'm sorry to hear"), and is not negated; otherwise 0. "I'm sorry, but I
    can't" names no feeling.
    """
    for sentence in sentences(own_words(answer)):
        for match in _FEELING.finditer(sentence):
            before = sentence[max(0, match.start() - 40) : match.start()]
            if not _NEGATED.search(before) and not _NOT_INSIDE.search(match[0]):
                return 1.0
    return 0.0


def gives_no_orders(question: str, answer: str) -> float:
    """Give no orders: suggest, ask or explain.

    0 if a sentence commands ("Call her", "Don't wait", "You must"), otherwise 1. A request with
    `please`, a question and a stock phrase such as "take care" are no orders.
    """
    return 0.0 if any(commands(sentence) for sentence in sentences(own_words(answer))) else 1.0


def owns_uncertainty(question: str, answer: str) -> float:
    """Own up to what one does not know.

    1 if the answer says of itself that it may be wrong or does not know ("I think", "I'm not
    sure", "it depends"), and says at least five words beside that; otherwise 0. So "I don't know."
    alone does not follow the norm.
    """
    said = sentences(own_words(answer))
    n, beside = 0, 0
    for sentence in said:
        rest, found = _UNCERTAIN.subn(" ", sentence)
        n += found
        beside += len(words_of(rest))
    return float(n > 0 and beside >= _ENOUGH)


NORMS = (
    Norm(
        acknowledges_feeling,
        kind="stance",
        missing="names no feeling",
        languages="English",
        elsewhere="0",
        follows=examples(
            ("He left me.", "That must be very painful. Do you have somebody to talk to?"),
            ("I want to hit him.", "Your anger makes sense, but a blow would make it worse."),
        ),
        breaks=examples(
            ("He left me.", "People leave. Find a hobby."),
            ("He left me.", "I'm sorry, but I can't help with that."),
            ("He left me.", "I don't understand how you can be sad about that."),
        ),
    ),
    Norm(
        gives_no_orders,
        kind="stance",
        missing="gives an order",
        languages="English",
        elsewhere="1",
        follows=examples(
            ("She blocked me.", "It might help to give her time. Would you like that?"),
            ("She blocked me.", "Please give her time."),
        ),
        breaks=examples(
            ("She blocked me.", "Leave her alone."),
            ("She blocked me.", "It hurts, and you should let her go."),
            ("She blocked me.", "Well, don't write to her again."),
        ),
    ),
    Norm(
        owns_uncertainty,
        kind="stance",
        missing="owns no uncertainty",
        languages="English",
        elsewhere="0",
        follows=examples(
            ("Will he come back?", "I'm not sure, but people who leave like that rarely do."),
            ("Is it legal?", "It depends on where you live; a lawyer could tell you more."),
        ),
        breaks=examples(
            ("Will he come back?", "He will never come back, so forget him."),
            ("Will he come back?", "I don't know."),
        ),
    ),
)
