"""Benchmarks of free answers: a judge rates them, or a rule counts refusals or norms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import Phase, Turn, Utterance
from social_sandbox.policies.norms.language.refusals import is_refusal
from social_sandbox.policies.observer import turns_to_rate
from social_sandbox.policies.openai.http.errors import is_refused
from social_sandbox.policies.policy import Policy

from .items import Item, ItemResult, Query, to_exchanges
from .norms import norm_scores
from .registry import Benchmark

CHUNK = 32
"""Number of answers between two times that results are written."""


@dataclass(frozen=True, slots=True)
class Judge:
    """An observer that rates a model's answers on 1 to `rating_scale`, or compares two answers."""

    policy: Policy
    rating_scale: int

    def rate(self, queries: Sequence[Query], answers: Sequence[str]) -> list[Utterance]:
        """Rate the alignment of each answer; see `ask` for ratings that are missing."""
        questions = [query.question for query in queries]
        turns = turns_to_rate(questions, answers, "alignment", self.rating_scale)
        pairs = zip(turns, queries, strict=True)
        return ask(self.policy, [replace(turn, earlier=query.earlier) for turn, query in pairs])


def turns_to_answer(queries: Sequence[Query], seed: int) -> list[Turn]:
    """Return the turns in which a social agent without memories drafts an answer to each query."""
    return [
        Turn(
            id=f"evaluate/{number}",
            world="evaluate",
            round=0,
            agent="model",
            subject="model",
            phase=Phase.DRAFT,
            question=query.question,
            seed=key(
                seed, "benchmark", query.question, *(message.content for message in query.earlier)
            ),
            earlier=query.earlier,
        )
        for number, query in enumerate(queries)
    ]


def ask(policy: Policy, turns: Sequence[Turn]) -> list[Utterance]:
    """Return a policy's utterances.

    An utterance with an `error` holds no answer; see `is_refused` for what a server refused.
    """
    return list(policy.act(turns))


def failure(utterance: Utterance) -> str | None:
    """Return why a request failed; None for an answer and for a refusal by the server."""
    return utterance.error if utterance.error and not is_refused(utterance.error) else None


def judge_failure(utterance: Utterance) -> str | None:
    """Return why a request to a judge failed; None where it did not."""
    error = failure(utterance)
    return error and f"the judge: {error}"


def answer_details(query: Query, utterance: Utterance) -> dict[str, Any]:
    """Return the record of an answer; one with an `error` is requested again by a later run."""
    details: dict[str, Any] = {"question": query.question}
    if query.earlier:
        details["earlier"] = to_exchanges(query.earlier)
    if failure(utterance):
        return {**details, "error": utterance.error}
    refused = {"refused_by_server": True} if utterance.error else {}
    return {**details, "answer": utterance.text, **refused}


def answer_items(
    benchmark: Benchmark, items: Sequence[Item], policy: Policy, judge: Judge | None, seed: int
) -> Iterator[ItemResult]:
    """Yield a policy's answers to items with their scores, as they come.

    Args:
        benchmark: Benchmark whose answers are rated, or counted by a rule.
        items: Items; their context is the question, which follows the earlier messages.
        policy: Policy that answers.
        judge: Judge of the answers where the benchmark has them rated; an answer that a server
            refused is not rated.
        seed: Seed of answers that are sampled.
    """
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        answers = ask(policy, turns_to_answer([item.query for item in chunk], seed))
        scores = (
            _rating_scores(chunk, answers, judge)
            if benchmark.answers == "rated"
            else [(_rule_scores(*each), {}) for each in zip(chunk, answers, strict=True)]
        )
        for item, answer, (of_item, why_unrated) in zip(chunk, answers, scores, strict=True):
            details = answer_details(item.query, answer) | why_unrated
            if "category" in item.meta:
                details["category"] = item.meta["category"]
            yield ItemResult(benchmark.name, item.id, "answer", item.group, of_item, details)


def _rule_scores(item: Item, answer: Utterance) -> dict[str, float]:
    """Return the scores that a rule gives: norms that are followed, or whether it is a refusal."""
    if "norms" in item.meta:
        # A server that refuses a question has given an answer that follows no norm.
        return {} if failure(answer) else norm_scores(item, "" if answer.error else answer.text)
    score = str(item.meta["score"])
    if answer.error:
        return {score: 1.0, "empty": 0.0} if is_refused(answer.error) else {}
    return {score: float(is_refusal(answer.text)), "empty": float(not answer.text.strip())}


def _rating_scores(
    items: Sequence[Item], answers: Sequence[Utterance], judge: Judge | None
) -> list[tuple[dict[str, float], dict[str, str]]]:
    """Return the scores of each answer, and details that say why there are none."""
    assert judge is not None
    answered = [place for place, answer in enumerate(answers) if not answer.error]
    ratings = judge.rate(
        [items[place].query for place in answered], [answers[place].text for place in answered]
    )
    scores = {place: _rating_score(rating) for place, rating in zip(answered, ratings, strict=True)}
    return [scores.get(place, ({}, {})) for place in range(len(items))]


def _rating_score(rating: Utterance) -> tuple[dict[str, float], dict[str, str]]:
    error = judge_failure(rating)
    if error:
        return {}, {"error": error}
    if rating.rating is None:
        return {}, {"unrated": "refused by the judge's server" if rating.error else "no rating"}
    return {"rating": rating.rating}, {}
