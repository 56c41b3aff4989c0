"""What a benchmark asks, and what a model got for it: one line a result, appended as they come."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from social_sandbox.envs.jsonl import JsonlLog
from social_sandbox.envs.messages import Conversation, Message

ITEMS = "items.jsonl"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what was said before it in the same conversation."""

    question: str
    earlier: Conversation = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a model is asked.

    Attributes:
        id: stable over runs and machines, unique within its benchmark.
        group: items that are scored together, such as the fours of ETHICS; None: alone.
        context: what comes before the choices, or the prompt that is answered.
        earlier: what was said in the conversation before that prompt.
        choices: among which the model chooses; empty where it answers freely.
        labels: 1 for each right choice, 0 for each wrong one.
        meta: whatever else is shown or counted by, such as a category.
    """

    id: str
    group: str | None
    context: str
    choices: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    earlier: Conversation = ()

    @property
    def asked(self) -> Asked:
        """The prompt that is answered, with what was said before it."""
        return Asked(self.context, self.earlier)


Part = Literal["choice", "answer", "pairwise", "judge", "judge_letters"]
"""Of what is done with an item: a model chooses, or answers freely; a judge compares its answer
with another model's; or rates, or compares, two replies of which people preferred one."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What a model got for an item: a score by each metric, and what it said or found likely."""

    benchmark: str
    item: str
    part: Part
    group: str | None
    scores: dict[str, float]
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def is_missing(self) -> bool:
        """Whether no answer came: it has no score, and is asked for again by a run that goes on."""
        return "error" in self.details


_RESULT = TypeAdapter(ItemResult)


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


def result_log(path: Path) -> JsonlLog[ItemResult]:
    """Return a file of results, a line each, to which results are appended as they come."""
    return JsonlLog(path, _RESULT, "results")


def by_place(results: Iterable[ItemResult]) -> dict[tuple[str, Part, str], ItemResult]:
    """Results by benchmark, part and item; of several the last one counts."""
    return {(result.benchmark, result.part, result.item): result for result in results}
