"""Items of benchmarks, and the results of a model on them, recorded one a line."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from social_sandbox.envs.text.jsonl import JsonlLog
from social_sandbox.envs.text.messages import Conversation, Message

ITEMS = "items.jsonl"
"""Name of the file of results."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question, and the messages before it in the same conversation."""

    question: str
    earlier: Conversation = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One question or choice of a benchmark.

    Attributes:
        id: Identifier, the same in all runs and unique within the benchmark.
        group: Name of a group of items that are scored together, such as the fours of ETHICS;
            None for an item that is scored alone.
        context: Text before the choices, or the prompt that is answered.
        choices: Choices of the model; empty where the model answers freely.
        labels: 1 for each right choice, 0 for each wrong one.
        meta: Further fields, which the task's template shows or by which scores are counted, such
            as a category.
        earlier: Messages before the prompt in the same conversation.
    """

    id: str
    group: str | None
    context: str
    choices: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    earlier: Conversation = ()

    @property
    def query(self) -> Query:
        """The prompt that is answered, with the messages before it."""
        return Query(self.context, self.earlier)


Part = Literal["choice", "answer", "pairwise", "judge", "judge_letters"]
"""Part of a benchmark.

`choice`: the model chooses. `answer`: the model answers freely. `pairwise`: a judge compares the
model's answer with another model's. `judge` and `judge_letters`: a judge rates, or compares, two
replies of which people preferred one.
"""

Place = tuple[str, Part, str]
"""Benchmark, part and item, which name a result."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The result of a model on an item.

    Attributes:
        benchmark: Name of the benchmark.
        item: Identifier of the item.
        part: Part of the benchmark.
        group: Group of the item.
        scores: Score by metric.
        details: Answer, likelihoods and other records; `error` says why there is no score.
        asked: Hash of who was asked what, see `question_hash`; empty in earlier versions.
    """

    benchmark: str
    item: str
    part: Part
    group: str | None
    scores: dict[str, float]
    details: dict[str, Any] = field(default_factory=dict)
    asked: str = ""

    @property
    def place(self) -> Place:
        """Benchmark, part and item."""
        return self.benchmark, self.part, self.item

    @property
    def is_missing(self) -> bool:
        """Whether a request failed: there is no score, and a resumed run repeats the request."""
        return "error" in self.details


def question_hash(item: Item, who: str, seed: int) -> str:
    """Return sixteen hexadecimal digits that stand for an item, for who is asked, and the seed."""
    earlier = [[message.role, message.content] for message in item.earlier]
    asked = [item.context, item.choices, item.labels, earlier, who, seed]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


_RESULT = TypeAdapter(ItemResult)


def result_log(path: Path) -> JsonlLog[ItemResult]:
    """Return the file of results, to which results are appended as they come."""
    return JsonlLog(path, _RESULT, "results")


def by_place(results: Iterable[ItemResult]) -> dict[Place, ItemResult]:
    """Return results by place; the last of several results of one place counts."""
    return {result.place: result for result in results}


def to_exchanges(messages: Conversation) -> list[dict[str, str]]:
    """Return the messages before a question as results record them: questions with answers.

    `messages` are those of the user and of the assistant in turns, beginning with the user.
    """
    return [
        {"question": question.content, "answer": answer.content}
        for question, answer in zip(messages[::2], messages[1::2], strict=True)
    ]


def from_exchanges(exchanges: Iterable[Mapping[str, str]]) -> Conversation:
    """Return the messages that `to_exchanges` has recorded."""
    return tuple(
        message
        for exchange in exchanges
        for message in (
            Message("user", exchange["question"]),
            Message("assistant", exchange["answer"]),
        )
    )
