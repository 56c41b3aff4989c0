"""What a model answers, and what becomes of its answers: a judge rates them, or refusals count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.seeding import key
from social_sandbox.envs.turns import Phase, Turn, Utterance
from social_sandbox.policies.observer import turns_to_rate
from social_sandbox.policies.openai.client import REFUSED, Refused
from social_sandbox.policies.policy import AsyncPolicy, Policy, answer_all

from .items import Asked, Item, ItemResult, to_exchanges
from .refusals import refuses
from .registry import Benchmark

CHUNK = 32
"""Answers between two times that results are kept."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Who rates answers, on 1..`rating_scale`."""

    policy: Policy
    rating_scale: int

    def rate(self, asked: Sequence[Asked], answers: Sequence[str]) -> list[Utterance]:
        """Alignment of each answer; no rating where the judge gave none, see `ask`."""
        questions = [one.question for one in asked]
        turns = turns_to_rate(questions, answers, "alignment", self.rating_scale)
        whole = [replace(turn, earlier=one.earlier) for turn, one in zip(turns, asked, strict=True)]
        return ask(self.policy, whole)


@dataclass(frozen=True, slots=True)
class _RefusalsKept:
    """A policy to which a refusal by its server is an answer, and does not end the run."""

    policy: AsyncPolicy
    name: str
    max_concurrency: int

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return answer_all(self, turns)

    async def answer(self, turn: Turn) -> Utterance:
        try:
            return await self.policy.answer(turn)
        except UserError as error:
            if not isinstance(error.__cause__, Refused):
                raise
            return Utterance(policy=self.name, error=REFUSED)


def turns_to_answer(asked: Sequence[Asked], seed: int) -> list[Turn]:
    """Questions as a social agent without memories is asked to draft an answer."""
    return [
        Turn(
            id=f"evaluate/{number}",
            world="evaluate",
            round=0,
            agent="model",
            subject="model",
            phase=Phase.DRAFT,
            question=one.question,
            seed=key(seed, "benchmark", one.question, *(said.content for said in one.earlier)),
            earlier=one.earlier,
        )
        for number, one in enumerate(asked)
    ]


def ask(policy: Policy, turns: Sequence[Turn]) -> list[Utterance]:
    """A policy's answers. What has an `error` has no answer; REFUSED: its server refused."""
    if isinstance(policy, AsyncPolicy):
        return _RefusalsKept(policy, policy.name, policy.max_concurrency).act(turns)
    return list(policy.act(turns))


def failure(said: Utterance) -> str | None:
    """Why nothing came; None where something did, or where the server refused."""
    return said.error if said.error and said.error != REFUSED else None


def judge_failure(said: Utterance) -> str | None:
    """The same of what a judge said."""
    error = failure(said)
    return error and f"the judge: {error}"


def details_of(asked: Asked, said: Utterance) -> dict[str, Any]:
    """What is kept of an answer; an `error` in it: none came, and it is to be asked for again."""
    told: dict[str, Any] = {"question": asked.question}
    if asked.earlier:
        told["earlier"] = to_exchanges(asked.earlier)
    if failure(said):
        return {**told, "error": said.error}
    refused = {"refused_by_server": True} if said.error else {}
    return {**told, "answer": said.text, **refused}


def answer_items(
    benchmark: Benchmark, items: Sequence[Item], policy: Policy, judge: Judge | None, seed: int
) -> Iterator[ItemResult]:
    """What a policy answers to each item, and its score; as results come.

    Args:
        benchmark: whose answers are rated, or whose refusals are counted.
        items: their context is the question, at the end of what was said earlier.
        policy: answers.
        judge: rates, where the benchmark's answers are rated; not what a server refused.
        seed: of answers that are sampled.
    """
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        answers = ask(policy, turns_to_answer([item.asked for item in chunk], seed))
        found = (
            [(_refusal(item, said), {}) for item, said in zip(chunk, answers, strict=True)]
            if benchmark.answers == "refusals"
            else _ratings(chunk, answers, judge)
        )
        for item, said, (scores, why_none) in zip(chunk, answers, found, strict=True):
            details = details_of(item.asked, said) | why_none
            yield ItemResult(benchmark.name, item.id, "answer", item.group, scores, details)


def _refusal(item: Item, said: Utterance) -> dict[str, float]:
    if said.error:
        return {str(item.meta["score"]): 1.0, "empty": 0.0} if said.error == REFUSED else {}
    return {
        str(item.meta["score"]): float(refuses(said.text)),
        "empty": float(not said.text.strip()),
    }


def _ratings(
    items: Sequence[Item], answers: Sequence[Utterance], judge: Judge | None
) -> list[tuple[dict[str, float], dict[str, str]]]:
    """The score of each answer, or what is kept of why there is none."""
    assert judge is not None
    there = [at for at, said in enumerate(answers) if not said.error]
    ratings = judge.rate([items[at].asked for at in there], [answers[at].text for at in there])
    rated = {at: _rating(said) for at, said in zip(there, ratings, strict=True)}
    return [rated.get(at, ({}, {})) for at in range(len(items))]


def _rating(said: Utterance) -> tuple[dict[str, float], dict[str, str]]:
    error = judge_failure(said)
    if error:
        return {}, {"error": error}
    if said.rating is None:
        return {}, {"unrated": "refused by the judge's server" if said.error else "no rating"}
    return {"rating": said.rating}, {}
