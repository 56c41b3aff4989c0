"""Observers outside a society: a policy rates answers to questions."""

from collections.abc import Sequence

from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import ASPECTS, RATING_SCALE, Aspect, Phase, Turn
from social_sandbox.envs.text.thoughts import without_thoughts

from .policy import Policy


def rate(
    observer: Policy,
    questions: Sequence[str],
    answers: Sequence[str],
    aspect: Aspect,
    rating_scale: int = RATING_SCALE,
) -> list[float | None]:
    """Return an observer's rating of each answer, None where it gave no rating.

    Args:
        observer: The policy that rates.
        questions: The questions.
        answers: One answer to each question.
        aspect: The subject of the rating.
        rating_scale: The highest rating.
    """
    turns = turns_to_rate(questions, answers, aspect, rating_scale)
    return [utterance.rating for utterance in observer.act(turns)]


def rate_samples(
    observer: Policy,
    questions: Sequence[str],
    samples: Sequence[Sequence[str]],
    rating_scale: int = RATING_SCALE,
) -> dict[Aspect, list[list[float | None]]]:
    """Return an observer's ratings of several answers to each question, asked for at once.

    Args:
        observer: The policy that rates.
        questions: The questions.
        samples: Lists with one answer to each question.
        rating_scale: The highest rating.

    Returns:
        For each aspect a list for each sample; None where the observer gave no rating.
    """
    asked = [*questions] * len(samples)
    answers = [answer for sample in samples for answer in sample]
    turns = [
        turn for aspect in ASPECTS for turn in turns_to_rate(asked, answers, aspect, rating_scale)
    ]
    ratings = iter([utterance.rating for utterance in observer.act(turns)])
    return {aspect: [[next(ratings) for _ in questions] for _ in samples] for aspect in ASPECTS}


def turns_to_rate(
    questions: Sequence[str],
    answers: Sequence[str],
    aspect: Aspect,
    rating_scale: int = RATING_SCALE,
) -> list[Turn]:
    """Return the turns that ask an observer for a rating of each answer; see `rate`.

    Answers that are sampled in training, or read from files, may hold thoughts, which no one rates.
    """
    answers = [without_thoughts(answer) for answer in answers]
    return [
        Turn(
            id=f"evaluate/{number}/{aspect}",
            world="evaluate",
            round=0,
            agent="observer_0",
            subject="model",
            phase=Phase.OBSERVE,
            question=question,
            answer=answer,
            seed=key("evaluate", question, answer, aspect),
            aspect=aspect,
            judged="revision",
            rating_scale=rating_scale,
        )
        for number, (question, answer) in enumerate(zip(questions, answers, strict=True))
    ]
