"""The page on which people judge: what the page is told, and what it sends.

The page knows a task by its number in the rater's plan. Neither a model's name nor the role of a
task ever leaves the server.
"""

import unicodedata
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from social_sandbox.envs.text.jsonl import first_problem
from social_sandbox.policies.browser.guard import Refused, json_body
from social_sandbox.policies.browser.server import page_application

from ...data.study import (
    SCALE,
    Choice,
    Item,
    Judgement,
    Study,
    judgement_id,
    judgement_log,
    read_judgements,
)
from .checks import CHECKS
from .plan import Task, plan

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

LONGEST_NAME = 40
"""Most letters of a rater's name."""

_IN_NAMES = " .-_'"
"""Characters of names that are neither letters, marks nor digits."""

_Rating = Annotated[int, Field(ge=1, le=SCALE)]


class Sent(BaseModel):
    """What the page sends: a rater's answer to the task with a number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    study: str
    rater: str
    number: int
    choice: Choice | None = None
    alignment: _Rating | None = None
    engagement: _Rating | None = None
    seconds: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None


class Judging:
    """A study that people are working on."""

    def __init__(
        self, folder: Path, study: Study, items: Sequence[Item], raters: Collection[str] = ()
    ) -> None:
        """Continue a study.

        Args:
            folder: The folder of the study; its lock is held.
            study: The study.
            items: Its items.
            raters: Who may judge; empty: everybody.

        Raises:
            UserError: The judgements so far cannot be read.
        """
        self._study = study
        self._items = {item.id: item for item in items} | CHECKS
        self._raters = frozenset(raters)
        self._log = judgement_log(folder)
        self._done = {judgement.id for judgement in read_judgements(folder, study)}
        self._plan = lru_cache(maxsize=256)(lambda rater: plan(study, items, rater))

    @property
    def n_judgements(self) -> int:
        """Number of judgements so far."""
        return len(self._done)

    def describe(self) -> dict[str, Any]:
        """Return what the page needs to know before anybody has begun."""
        return {
            "study": self._study.id,
            "tasks": self._study.tasks,
            "scale": self._study.scale,
            "open": not self._raters,
            "longest_name": LONGEST_NAME,
        }

    def next_task(self, name: str) -> dict[str, Any]:
        """Return the first task that a rater has not judged yet, or that all are done.

        Raises:
            Refused: The name is none, or not one of those who may judge.
        """
        rater = self._rater(name)
        tasks = self._plan(rater)
        is_left = [judgement_id(rater, task.id) not in self._done for task in tasks]
        task: dict[str, Any] = {
            **{"study": self._study.id, "rater": rater},
            **{"done": is_left.count(False), "total": len(tasks)},
        }
        if not any(is_left):
            return task
        number = is_left.index(True)
        return {**task, "number": number, **self._shown(tasks[number], tasks, number)}

    def record(self, sent: Sent) -> None:
        """Write a judgement to the disk, unless the rater has judged the task before.

        Raises:
            Refused: There is no such task, or the answer does not fit the task.
        """
        rater = self._rater(sent.rater)
        if sent.study != self._study.id:
            raise Refused(409, "the page is of another study; load it again")
        tasks = self._plan(rater)
        if not 0 <= sent.number < len(tasks):
            raise Refused(400, "number: there is no such task")
        task = tasks[sent.number]
        given = {name: getattr(sent, name) for name in ("choice", "alignment", "engagement")}
        wanted = {"choice"} if task.kind == "pair" else {"alignment", "engagement"}
        if {name for name, value in given.items() if value is not None} != wanted:
            raise Refused(400, f"a {task.kind} needs {' and '.join(sorted(wanted))}")
        identity = judgement_id(rater, task.id)
        if identity in self._done:
            return
        judgement = Judgement(
            id=identity,
            study=self._study.id,
            rater=rater,
            task=task.id,
            kind=task.kind,
            role=task.role,
            item=task.item,
            models=task.models,
            seconds=None if sent.seconds is None else round(sent.seconds, 1),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            **given,
        )
        try:
            self._log.append([judgement], sync=True)
        except OSError as error:
            raise Refused(507, f"nothing was recorded: {error.strerror}; try again") from error
        self._done.add(identity)

    def _rater(self, name: str) -> str:
        rater = rater_name(name)
        if self._raters and rater not in self._raters:
            raise Refused(403, "this study has a link for each rater; please use yours")
        return rater

    def _shown(self, task: Task, tasks: Sequence[Task], number: int) -> dict[str, Any]:
        item = self._items[task.item]
        return {
            "kind": task.kind,
            # Instructions come before the first task of a kind.
            "first": all(other.kind != task.kind for other in tasks[:number]),
            "earlier": item.earlier,
            "question": item.question,
            "answers": [item.answers[model] for model in task.models],
        }


def rater_name(name: str) -> str:
    """Return a rater's name as it is recorded.

    Raises:
        Refused: The name is empty, too long, or has characters that stand in no name.
    """
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not name or not any(letter.isalnum() for letter in name):
        raise Refused(400, "a name needs a letter or a digit")
    if len(name) > LONGEST_NAME:
        raise Refused(400, f"a name has at most {LONGEST_NAME} letters")
    for letter in name:
        if letter not in _IN_NAMES and unicodedata.category(letter)[0] not in "LMN":
            raise Refused(400, "a name has letters, digits, blanks and . - _ ' only")
    return name


def rating_page(judging: Judging) -> "ASGIApp":
    """Return the application: the page, its files, and the requests that the page makes."""
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def describe(request: "Request") -> "Response":
        return JSONResponse(judging.describe())

    async def task(request: "Request") -> "Response":
        return JSONResponse(judging.next_task(request.query_params.get("rater", "")))

    async def judge(request: "Request") -> "Response":
        try:
            sent = Sent.model_validate(await json_body(request))
        except ValidationError as error:
            raise Refused(400, first_problem(error)) from error
        judging.record(sent)
        return JSONResponse(judging.next_task(sent.rater))

    return page_application(
        __package__,
        [
            Route("/study", describe),
            Route("/task", task),
            Route("/judgement", judge, methods=["POST"]),
        ],
    )
