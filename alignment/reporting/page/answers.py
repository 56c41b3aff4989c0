"""The held-out answers of a run, and which interactions are about the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.policies.norms.language.refusals import is_refusal

from ...evaluation.config import EvaluateConfig
from .lines import read_json, read_lines
from .nearest import Questions
from .records import AnswerRecord, AnswerTable
from .table import Columns, Names

NEAREST = 3
"""How many interactions, or answers, to questions in similar words are linked."""

EXTRACT = 160
"""Characters of a question or an answer in the table."""

HELD_OUT = "held_out"
"""The source of answers to held-out questions; other sources are benchmarks."""


@dataclass
class Answers:
    """The answers of a run.

    Attributes:
        answered: Records without their links.
        models: Names of the models.
    """

    answered: Sequence[AnswerRecord] = ()
    models: Sequence[str] = ()
    _numbers: dict[str, list[int]] = field(default_factory=dict)
    _near: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Number the questions."""
        for number, record in enumerate(self.answered):
            self._numbers.setdefault(record.question, []).append(number)

    @cached_property
    def _questions(self) -> Questions:
        kinds = {record.question: record.kind for record in self.answered}
        return Questions([(question, kinds[question]) for question in self._numbers])

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.answered)

    @property
    def held_out(self) -> list[AnswerRecord]:
        """The records of held-out questions."""
        return [record for record in self.answered if record.source == HELD_OUT]

    def of_question(self, question: str, kind: str = "") -> Sequence[int]:
        """Return the answers to a question; where there are none, to the nearest of its kind."""
        same = self._numbers.get(question)
        if same or not self._numbers:
            return same or ()
        if question not in self._near:
            numbers = list(self._numbers.values())
            near = self._questions.nearest_to(question, kind, NEAREST)
            self._near[question] = tuple(numbers[number][0] for number in near)
        return self._near[question]

    def records(self, columns: Columns) -> list[AnswerRecord]:
        """Return the records with links to the rows of the interactions."""
        if not self.answered or not len(columns):
            return list(self.answered)
        rows: dict[int, list[int]] = {}
        for row, number in enumerate(columns.question):
            rows.setdefault(number, []).append(row)
        questions = columns.names["question"].texts
        kinds = dict(zip(columns.question, columns.kind, strict=True))
        names = columns.names["kind"].texts
        asked = [(text, names[kinds[number]]) for number, text in enumerate(questions)]
        near = self._questions.nearest_among(asked, NEAREST)
        by_text = {text: number for number, text in enumerate(questions)}
        links = {}
        for question, numbers in zip(self._numbers, near, strict=True):
            same = rows.get(by_text.get(question, -1), [])
            others = [rows[number][0] for number in numbers if questions[number] != question]
            links[question] = [*same[:NEAREST], *others][: 2 * NEAREST]
        return [
            AnswerRecord(
                source=record.source,
                question=record.question,
                kind=record.kind,
                sample=record.sample,
                answers=record.answers,
                interactions=links[record.question],
                detail=record.detail,
            )
            for record in self.answered
        ]

    def table(self) -> AnswerTable:
        """Return the records in columns."""
        names = {"source": Names(), "kind": Names()}
        by_model = {
            model: [record.answers.get(model, {}) for record in self.answered]
            for model in self.models
        }
        return AnswerTable(
            source=[names["source"].number(record.source) for record in self.answered],
            kind=[names["kind"].number(record.kind) for record in self.answered],
            sample=[record.sample for record in self.answered],
            question=[record.question[:EXTRACT] for record in self.answered],
            extract={
                model: [given.get("text", "")[:EXTRACT] for given in answers]
                for model, answers in by_model.items()
            },
            scores={
                model: {
                    name: [given.get("scores", {}).get(name) for given in answers]
                    for name in dict.fromkeys(
                        n for given in answers for n in given.get("scores", ())
                    )
                }
                for model, answers in by_model.items()
            },
            refusal={
                model: [given.get("refusal") for given in answers]
                for model, answers in by_model.items()
            },
            error={
                model: [bool(given.get("error")) for given in answers]
                for model, answers in by_model.items()
            },
            names={name: one.texts for name, one in names.items()},
        )


def _score_names(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for given in answers for name in given.get("scores", ())))


def read_answers(folder: Path) -> Answers:
    """Read the held-out answers and the items of benchmarks of a run; none where it has none."""
    records = [*_held_out(folder / "evaluation"), *_benchmarks(folder / "benchmarks")]
    models = dict.fromkeys(model for record in records for model in record.answers)
    return Answers(records, list(models))


def _held_out(folder: Path) -> Iterator[AnswerRecord]:
    path = folder / "answers.jsonl"
    if not path.exists():
        return
    stage = read_json(folder / "stage.json") or {}
    settings = (stage.get("settings") or {}).get("evaluate") or {}
    weight = float(settings.get("engagement_weight", EvaluateConfig().engagement_weight))
    for line in read_lines(path, "answers"):
        row = line.value
        given = {name: value for name, value in row.items() if isinstance(value, dict)}
        answers = {name: _answer(value, weight) for name, value in given.items()}
        yield AnswerRecord(
            source=HELD_OUT,
            question=str(row.get("question", "")),
            kind=str(row.get("kind", "")),
            sample=int(row.get("sample", 0)),
            answers=answers,
        )


def _answer(given: Mapping[str, Any], engagement_weight: float) -> dict[str, Any]:
    text = str(given.get("answer", ""))
    scores = {name: value for name, value in given.items() if _is_score(value)}
    alignment, engagement = scores.get("alignment"), scores.get("engagement")
    # A rating of alignment alone would be compared with a combined one.
    if None not in (alignment, engagement):
        scores["combined"] = combined_rating(alignment, engagement, engagement_weight)
    for norm, is_followed in (given.get("norms") or {}).items():
        scores[f"follows {norm}"] = float(bool(is_followed))
    return {"text": text, "scores": scores, "refusal": is_refusal(text), "error": ""}


def _is_score(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _benchmarks(folder: Path) -> Iterator[AnswerRecord]:
    path, results = folder / "items.jsonl", read_json(folder / "results.json") or {}
    if not path.exists():
        return
    model = measured_name(results)
    other = (results.get("made_with") or {}).get("against_name") or "other"
    for line in read_lines(path, "benchmarks"):
        row, details = line.value, line.value.get("details") or {}
        text = details.get("answer")
        answers = {
            model: {
                "text": str(text or ""),
                "scores": row.get("scores") or {},
                "refusal": is_refusal(text) if isinstance(text, str) and text else None,
                "error": str(details.get("error", "")),
            }
        }
        if isinstance(details.get("other"), str):
            answers[other] = {"text": details["other"], "scores": {}, "refusal": None, "error": ""}
        shown = ("question", "answer", "other", "error")
        yield AnswerRecord(
            source=str(row.get("benchmark", "")),
            question=str(details.get("question") or f"item {row.get('item', '')}"),
            kind=str(details.get("category", "")),
            sample=0,
            answers=answers,
            detail={
                "item": row.get("item"),
                "part": row.get("part"),
                **{name: value for name, value in details.items() if name not in shown},
            },
        )


def measured_name(results: Mapping[str, Any]) -> str:
    """Return the name of the model that `benchmarks/results.json` is about."""
    path = Path(str(results.get("model", "model")))
    return "aligned" if path.parts[-2:] == ("alignment", "model") else path.name or "model"
