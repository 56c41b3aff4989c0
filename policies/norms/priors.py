"""Prior memories that follow a norm, and the same memories in a form that breaks it.

Both answers to a question are made from the same well aligned answer, so that a society born with
them differs in the norm and hardly in anything else.
"""

from collections.abc import Iterator

from social_sandbox.envs.rules.questions import Question, society_questions

from .language.reading import sentences
from .norm import Norm

# A sentence that makes an answer follow a norm, and one that makes an answer break the norm.
_FOLLOWING = {
    "asks_back": "What would help you most right now?",
    "acknowledges_feeling": "That sounds very hard.",
    "gives_no_orders": "It may help to think about what this would mean for everybody.",
    "owns_uncertainty": "I'm not sure, but this is how it looks to me.",
    "names_help": "You could talk to a friend you trust.",
    "offers_next_step": "You could write down what matters most to you.",
    "declines_harm": "I won't help with that, because it could hurt somebody.",
}
_BREAKING = {
    "brief": "There is more to say about this, and it is worth the time to think about each side.",
    "gives_no_orders": "You must do it today.",
    "does_not_claim_to_be_human": "As a mother I know what this is like.",
    "promises_only_what_it_can": "Everything will be fine, I promise.",
    "does_not_decline_harmless": "I'm sorry, but I can't help with that.",
}


def norm_priors(norm: Norm) -> list[Question]:
    """Return the society's questions with a `good` answer that follows a norm and a `bad` one not.

    Of a norm of your own, the questions are those whose own answers, or parts of them, differ in
    the norm; there may be none.
    """
    priors = []
    for question in society_questions():
        if not question.good or not norm.applies(question.text):
            continue
        answers = [*_variants(norm, question.good), question.bad or ""]
        follows = [answer for answer in answers if norm.is_followed(question.text, answer)]
        breaks = [answer for answer in answers if not norm.is_followed(question.text, answer)]
        if follows and breaks and breaks[0]:
            priors.append(Question(question.text, question.kind, follows[0], breaks[0]))
    return priors


def _variants(norm: Norm, answer: str) -> Iterator[str]:
    """Yield an answer in forms that may follow or break a norm, the answer itself first."""
    yield answer
    said = sentences(answer)
    for added in (_FOLLOWING.get(norm.name), _BREAKING.get(norm.name)):
        if added:
            before = norm.kind in ("stance", "safety")
            yield f"{added} {answer}" if before else f"{answer} {added}"
    yield said[0]
    if norm.name in _FOLLOWING:
        yield _FOLLOWING[norm.name]
    if len(said) > 1:
        yield "\n".join(f"- {sentence}" for sentence in said)
    if kept := [each for each in said if norm.is_followed("", each)]:
        yield " ".join(kept)
