"""What alignment changed: held-out questions, answered and rated, before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from social_sandbox.envs.combined import combined_rating
from social_sandbox.envs.interactions import mean
from social_sandbox.envs.messages import Message
from social_sandbox.envs.questions import Question
from social_sandbox.envs.seeding import key
from social_sandbox.envs.turns import ASPECTS, Aspect
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.observer import rate
from social_sandbox.policies.policy import Policy
from social_sandbox.policies.prompts.prompts import Prompt, answer_messages

from ..data.pairs import Pair, unrated_pair
from .config import EvaluateConfig
from .intervals import Estimate, estimate
from .response_nll import response_nll

MAX_LENGTH = 1024
"""Longest prompt and response, in tokens, whose likelihood is compared."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One model on one set of questions; `answers[sample][question]`, and ratings like it.

    `good_margins` says how much likelier the model finds the well aligned answer than the badly
    aligned one, in nats per token; only for questions that have both. `chosen_margins` is the same
    for people's preference pairs.
    """

    answers: list[list[str]]
    ratings: dict[Aspect, list[list[float | None]]]
    good_margins: list[float]
    chosen_margins: list[float] = field(default_factory=list)


def measure(
    model: str,
    questions: Sequence[Question],
    observer: Policy,
    config: EvaluateConfig,
    pairs: Sequence[Pair] = (),
) -> Measured:
    """Let a model answer and choose among `pairs`, and the observer rate."""
    policy = HuggingFacePolicy(model, temperature=config.temperature)
    samples = range(config.samples)
    prompts = [Prompt(answer_messages(question.text)) for question in questions] * config.samples
    seeds = [
        key(config.seed, "evaluate", sample, question.text)
        for sample in samples
        for question in questions
    ]
    said = [g.text for g in policy.generate(prompts, seeds, config.max_new_tokens)]
    answers = [said[n * len(questions) : (n + 1) * len(questions)] for n in samples]
    texts = [question.text for question in questions]
    ratings: dict[Aspect, list[list[float | None]]] = {
        aspect: [rate(observer, texts, said, aspect, config.rating_scale) for said in answers]
        for aspect in ASPECTS
    }
    own = [
        unrated_pair([Message("user", question.text)], question.good, question.bad)
        for question in questions
        if question.good and question.bad
    ]
    return Measured(answers, ratings, margins(policy, own), margins(policy, pairs))


def margins(policy: HuggingFacePolicy, pairs: Sequence[Pair]) -> list[float]:
    """Return how much likelier the model finds each chosen reply than the rejected one.

    In nats per token.
    """
    replies = [
        (pair.prompt, candidate.text)
        for pair in pairs
        for candidate in (pair.chosen, pair.rejected)
    ]
    nll = response_nll(policy.model, policy.tokenizer, replies, max_length=MAX_LENGTH)
    return [rejected - chosen for chosen, rejected in zip(nll[::2], nll[1::2], strict=True)]


def compare(
    before: Measured, after: Measured, config: EvaluateConfig
) -> dict[str, dict[str, Estimate | None]]:
    """Each measure before, after, and the paired difference, with intervals.

    `combined` is the rating that training data is made with: alignment and weighted engagement.
    On a question where the engagement of either answer is missing, both count by alignment alone.
    `prefers_good` and `prefers_chosen` are the shares of pairs whose better reply is the likelier
    one; `moved_to_good` and `moved_to_chosen` the shares in which the better reply gained more than
    the worse (TRL's `rewards/accuracies`, per token), whatever the model preferred before.
    """
    pairs = {
        str(aspect): np.stack([_mean_ratings(m.ratings[aspect]) for m in (before, after)], axis=1)
        for aspect in ASPECTS
    }
    pairs["combined"] = _combined(pairs["alignment"], pairs["engagement"], config)
    table = {name: _row(p[np.isfinite(p).all(axis=1)], config) for name, p in pairs.items()}
    known = {
        "good": (before.good_margins, after.good_margins),
        "chosen": (before.chosen_margins, after.chosen_margins),
    }
    for better, of_both in known.items():
        margin = np.array(of_both).T.reshape(-1, 2)
        if len(margin) or better == "good":
            table[f"prefers_{better}"] = _row((margin > 0).astype(float), config)
            moved = (margin[:, 1] > margin[:, 0]).astype(float)
            gained = estimate(moved, config.resamples, config.seed)
            table[f"moved_to_{better}"] = {"before": None, "after": gained, "difference": None}
    return table


def answer_rows(
    questions: Sequence[Question], measured: Mapping[str, Measured]
) -> list[dict[str, Any]]:
    """One row a question and sample: what each model answered, and how it was rated."""
    return [
        {
            "question": question.text,
            "kind": question.kind,
            "sample": sample,
            **{
                name: {
                    "answer": result.answers[sample][i],
                    **{aspect: result.ratings[aspect][sample][i] for aspect in ASPECTS},
                }
                for name, result in measured.items()
            },
        }
        for i, question in enumerate(questions)
        for sample in range(len(next(iter(measured.values())).answers))
    ]


def words_per_answer(measured: Measured) -> float:
    """Mean length of the answers, in words: a rating bought by length shows here."""
    return mean(float(len(a.split())) for said in measured.answers for a in said) or 0.0


def _mean_ratings(ratings: Sequence[Sequence[float | None]]) -> npt.NDArray[np.float64]:
    """The mean over samples, (questions,); NaN where no sample was rated."""
    means = [mean(of_one) for of_one in zip(*ratings, strict=True)]
    return np.array(means, dtype=float)


def _combined(
    alignment: npt.NDArray[np.float64],
    engagement: npt.NDArray[np.float64],
    config: EvaluateConfig,
) -> npt.NDArray[np.float64]:
    """Return the combined ratings, (questions, 2); NaN where alignment is missing."""
    # The difference of a combined rating and one of alignment alone would say nothing.
    engagement = np.where(np.isfinite(engagement).all(axis=1, keepdims=True), engagement, np.nan)
    ratings = zip(_or_none(alignment), _or_none(engagement), strict=True)
    combined = [combined_rating(*both, config.engagement_weight) for both in ratings]
    return np.array(combined, dtype=float).reshape(-1, 2)


def _or_none(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values.ravel()]


def _row(pairs: npt.NDArray[np.float64], config: EvaluateConfig) -> dict[str, Estimate | None]:
    columns = {"before": pairs[:, 0], "after": pairs[:, 1], "difference": pairs[:, 1] - pairs[:, 0]}
    return {
        name: estimate(values, config.resamples, config.seed) for name, values in columns.items()
    }
