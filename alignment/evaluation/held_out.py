"""Held-out questions: a model answers them, and an observer rates the answers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from social_sandbox.envs.rules.interactions import mean
from social_sandbox.envs.rules.questions import Question
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import ASPECTS, Aspect
from social_sandbox.envs.text.messages import Message
from social_sandbox.envs.text.texts import count_words
from social_sandbox.policies.huggingface.capacity import positions
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.norms import Norm
from social_sandbox.policies.norms.norm import followed
from social_sandbox.policies.observer import rate_samples
from social_sandbox.policies.policy import Policy
from social_sandbox.policies.prompts.prompts import Prompt, answer_messages

from ..data.pairs import Pair, unrated_pair
from .config import EvaluateConfig
from .continuation_likelihoods import mean_nll

MAX_LENGTH = 1024
"""Longest prompt with response, in tokens, whose likelihood is compared."""


@dataclass(frozen=True, slots=True)
class HeldOutResults:
    """The results of one model on one list of questions.

    Attributes:
        answers: Answers, by sample and question.
        ratings: The observer's ratings of an aspect, by sample and question.
        good_margins: How much likelier the model finds the good answer of a question than the bad
            one, in nats per token; one value for each question that has both.
        chosen_margins: The same for each of people's preference pairs.
        embedded: The embedded observer's ratings, if it is a second witness; as `ratings`.
        good_nll: Negative log-likelihood of each good answer, in nats per token; empty in results
            of earlier versions.
    """

    answers: list[list[str]]
    ratings: dict[Aspect, list[list[float | None]]]
    good_margins: list[float]
    chosen_margins: list[float] = field(default_factory=list)
    embedded: dict[Aspect, list[list[float | None]]] = field(default_factory=dict)
    good_nll: list[float] = field(default_factory=list)


def measure(
    policy: HuggingFacePolicy,
    questions: Sequence[Question],
    observer: Policy,
    config: EvaluateConfig,
    pairs: Sequence[Pair] = (),
    embedded: Policy | None = None,
) -> HeldOutResults:
    """Let a model answer questions and have an observer rate the answers.

    Args:
        policy: The model; its temperature holds.
        questions: Questions; those with a good and a bad answer also give a margin.
        observer: Rates each answer.
        config: Number of samples, their length, the rating scale, the seed, and whether answers
            alone are measured.
        pairs: People's preferences, of which each gives a margin.
        embedded: The embedded observer, if it rates the answers as well.
    """
    return rated(answered(policy, questions, config, pairs), questions, observer, config, embedded)


def answered(
    policy: HuggingFacePolicy,
    questions: Sequence[Question],
    config: EvaluateConfig,
    pairs: Sequence[Pair] = (),
) -> HeldOutResults:
    """Return what does not depend on an observer: answers, all in one go, and likelihoods.

    See `measure` for the arguments. There are no ratings yet.
    """
    samples = range(config.samples)
    prompts = [Prompt(answer_messages(question.text)) for question in questions] * config.samples
    seeds = [
        key(config.seed, "evaluate", sample, question.text)
        for sample in samples
        for question in questions
    ]
    generations = policy.generate(prompts, seeds, config.max_new_tokens)
    texts = [generation.text for generation in generations]
    n = len(questions)
    good_and_bad = [
        unrated_pair([Message("user", question.text)], question.good, question.bad)
        for question in questions
        if question.good and question.bad and not config.answers_only
    ]
    good_nll, bad_nll = _both_nll(policy, good_and_bad)
    return HeldOutResults(
        answers=[texts[sample * n : (sample + 1) * n] for sample in samples],
        ratings={},
        good_margins=[bad - good for good, bad in zip(good_nll, bad_nll, strict=True)],
        chosen_margins=margins(policy, pairs),
        good_nll=good_nll,
    )


def rated(
    results: HeldOutResults,
    questions: Sequence[Question],
    observer: Policy,
    config: EvaluateConfig,
    embedded: Policy | None = None,
) -> HeldOutResults:
    """Return results with the ratings of their answers by an observer, see `measure`."""

    def ratings(rater: Policy) -> dict[Aspect, list[list[float | None]]]:
        asked = [question.text for question in questions]
        return rate_samples(rater, asked, results.answers, config.rating_scale)

    return replace(
        results,
        ratings=ratings(observer),
        embedded={} if embedded is None else ratings(embedded),
    )


def margins(policy: HuggingFacePolicy, pairs: Sequence[Pair]) -> list[float]:
    """Return how much likelier a model finds each chosen reply than the rejected one.

    The margins are in nats per token.
    """
    chosen, rejected = _both_nll(policy, pairs)
    return [worse - better for better, worse in zip(chosen, rejected, strict=True)]


def perplexity(results: HeldOutResults) -> float | None:
    """Return the perplexity of the good answers, which rises where training harms the language."""
    nll = mean(results.good_nll)
    return None if nll is None else math.exp(nll)


def _both_nll(policy: HuggingFacePolicy, pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    """Return the negative log-likelihoods of the chosen and of the rejected replies."""
    replies = [
        (pair.prompt, candidate.text)
        for pair in pairs
        for candidate in (pair.chosen, pair.rejected)
    ]
    most = positions(policy.model.config)
    length = MAX_LENGTH if most is None else min(MAX_LENGTH, most)
    nll = mean_nll(policy.model, policy.tokenizer, replies, max_length=length)
    return nll[::2], nll[1::2]


def answer_rows(
    questions: Sequence[Question],
    results: Mapping[str, HeldOutResults],
    norms: Sequence[Norm] = (),
) -> list[dict[str, Any]]:
    """Return a row for each question and sample, with each model's answer and its ratings.

    `norms` of an answer says of each norm that applies to the question whether the answer follows
    the norm; an answer has this field if there are norms.
    """

    def checked(question: Question, answer: str) -> dict[str, Any]:
        return {"norms": followed(norms, question.text, answer)} if norms else {}

    return [
        {
            "question": question.text,
            "kind": question.kind,
            "sample": sample,
            **{
                name: {
                    "answer": result.answers[sample][i],
                    **{aspect: result.ratings[aspect][sample][i] for aspect in ASPECTS},
                    **{f"embedded_{a}": rated[sample][i] for a, rated in result.embedded.items()},
                    **checked(question, result.answers[sample][i]),
                }
                for name, result in results.items()
            },
        }
        for i, question in enumerate(questions)
        for sample in range(len(next(iter(results.values())).answers))
    ]


def words_per_answer(results: HeldOutResults) -> float:
    """Return the mean length of the answers in words, which shows ratings bought by length."""
    answers = [answer for sample in results.answers for answer in sample]
    return mean(float(count_words(answer)) for answer in answers) or 0.0
