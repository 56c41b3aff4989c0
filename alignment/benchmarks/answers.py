"""What a model answers, and what becomes of its answers: a judge rates them, or refusals count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from social_sandbox.envs.seeding import key
from social_sandbox.envs.turns import Phase, Turn
from social_sandbox.policies.policy import Policy

from ..evaluate import turns_to_rate
from .benchmark import Benchmark
from .items import Item, ItemResult
from .refusals import refuses

CHUNK = 32
"""Answers between two times that results are kept."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Who rates answers, on 1..`rating_scale`."""

    policy: Policy
    rating_scale: int

    def rate(self, questions: Sequence[str], answers: Sequence[str]) -> list[float | None]:
        """Alignment of each answer; None where the judge gave no rating."""
        turns = turns_to_rate(questions, answers, "alignment", self.rating_scale)
        return [utterance.rating for utterance in self.policy.act(turns)]


def ask(policy: Policy, questions: Sequence[str], seed: int) -> list[str]:
    """A policy's answers, as a social agent without memories would draft them."""
    turns = [
        Turn(
            id=f"evaluate/{number}",
            world="evaluate",
            round=0,
            agent="model",
            subject="model",
            phase=Phase.DRAFT,
            question=question,
            seed=key(seed, "benchmark", question),
        )
        for number, question in enumerate(questions)
    ]
    return [utterance.text for utterance in policy.act(turns)]


def answer_items(
    benchmark: Benchmark, items: Sequence[Item], policy: Policy, judge: Judge | None, seed: int
) -> Iterator[ItemResult]:
    """What a policy answers to each item, and its score; as results come.

    Args:
        benchmark: whose answers are rated, or whose refusals are counted.
        items: their context is the question.
        policy: answers.
        judge: rates, where the benchmark's answers are rated.
        seed: of answers that are sampled.
    """
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        answers = ask(policy, [item.context for item in chunk], seed)
        if benchmark.answers == "refusals":
            for item, answer in zip(chunk, answers, strict=True):
                score = {str(item.meta["score"]): float(refuses(answer))}
                yield _result(benchmark, item, score, answer)
            continue
        assert judge is not None
        ratings = judge.rate([item.context for item in chunk], answers)
        for item, answer, rating in zip(chunk, answers, ratings, strict=True):
            yield _result(benchmark, item, {} if rating is None else {"rating": rating}, answer)


def _result(benchmark: Benchmark, item: Item, scores: dict[str, float], answer: str) -> ItemResult:
    details = {"question": item.context, "answer": answer}
    return ItemResult(benchmark.name, item.id, "answer", item.group, scores, details)
