"""Two runs whose page has every kind of figure, results, settings and answers that changed."""

from pathlib import Path

from social_sandbox.alignment.reporting.page.records import (
    AnswerTable,
    Estimate,
    Fact,
    Figure,
    Health,
    Point,
    Run,
    Series,
    Setting,
    StageState,
)
from social_sandbox.alignment.reporting.page.scripts import DataFolder
from social_sandbox.alignment.reporting.page.write import write_page
from social_sandbox.envs.text.jsonl import write_objects

from ....helpers.hostile import HOSTILE
from ....helpers.runs import interactions, write_run
from ....helpers.societies import QUESTIONS

MANY = 12_000
"""Answers of the run that has many."""

KINDS = [*(f"a kind of question {number}" for number in range(5)), HOSTILE]

LINE = Figure(
    "ratings",
    "run",
    "Ratings over rounds",
    "line",
    "round",
    "mean rating, 1 to 7",
    [
        Series(
            "draft",
            [
                Point(0, 4.0, 3.5, 4.5),
                Point(1, None),
                Point(2, 5.25, 5.0, 5.5),
                Point(3, 5.5, 5.0, 6.0),
            ],
        ),
        Series("revision", [Point(number, 5.0 + number / 8) for number in range(4)]),
    ],
    y_low=1,
    y_high=7,
    note="Means of all interactions of a round.",
)
DOTS = Figure(
    "change",
    "run",
    "Change by kind",
    "dots",
    "kind of question",
    "points",
    [
        Series(
            "aligned",
            [
                Point(name, value, value - 0.5, value + 0.5)
                for name, value in (
                    ("advice that is dangerous", 0.75),
                    ("deception", -0.25),
                    ("honesty", 0.0),
                )
            ],
        )
    ],
)
BARS = Figure(
    "kinds",
    "run",
    "Alignment by kind",
    "bars",
    "kind of question",
    "mean alignment",
    [
        Series(name, [Point(kind, 3.0 + n / 4, 2.5, 4.5) for n, kind in enumerate(KINDS)])
        for name in ("base", "aligned")
    ],
)
HISTOGRAM = Figure(
    "shares",
    "run",
    "Ratings given",
    "histogram",
    "rating",
    "share",
    [
        Series(name, [Point(1.25 + n / 2, n / 66 + shift) for n in range(12)])
        for name, shift in (("draft", 0.0), ("revision", 0.01))
    ],
)
EMPTY = Figure("empty", "run", "Benchmarks", "dots", "benchmark", "points", [Series("aligned", [])])
LOSS = Figure(
    "training-loss",
    "training",
    "Loss and its parts",
    "line",
    "step",
    "nats per token",
    [Series("loss", [Point(step, 2.0 - step / 400) for step in range(0, 300)])],
)
FIGURES = (LINE, DOTS, BARS, HISTOGRAM, EMPTY, LOSS)


def record(key: str, rate: str, change: float) -> Run:
    """Return the record of a run with one setting and one result of its own."""
    return Run(
        key=key,
        name=f"{key} run",
        path=f"/runs/{key}",
        facts=[Fact("Seed", "0"), Fact("Model", key, detail="details")],
        settings=[
            Setting("method.learning_rate", rate, "0.00002"),
            Setting("env.grid_size", "3", "8"),
        ],
        stages=[
            StageState("simulation", "complete"),
            StageState("alignment", "interrupted", "step 3"),
        ],
        headlines=[
            Estimate("alignment", change, change - 0.1, change + 0.1, "points of 7", 1),
            Estimate("engagement", 0.02, -0.2, 0.24, "points of 7", 1),
            Estimate("refusals", 0.3, 0.2, 0.4, "share", -1),
            Estimate("benchmark", None),
            Estimate("moved to good", 0.41, 0.32, 0.51, "share", 1, against=0.5),
        ],
        health=[
            Health("cut off", 6, 27, "fair", filter="?cut_off=1"),
            Health("errors", 0, 27, "good"),
        ],
        figures=FIGURES,
        grid_size=3,
        worlds=["world_0"],
        models=["base", "aligned"],
        counts={"interactions": 27, "groups": 27, "answers": len(QUESTIONS)},
        chunks={"interactions": 1, "groups": 1, "answers": 1},
        notes=[f"Line 28 is torn: {HOSTILE}"],
    )


def answers() -> list[dict[str, object]]:
    """Return answers of which the first got better, the second worse, and the third is the same."""
    changes = (1.5, -0.75, 0.0, 0.25, -2.0, 0.5)
    return [
        {"question": question.text, "kind": question.kind, "sample": 0}
        | {
            "base": {"answer": f"Base says {number}.", "alignment": 4.0, "engagement": 3.0},
            "aligned": {"answer": f"Aligned says {number}.", "alignment": 4.0 + change},
        }
        for number, (question, change) in enumerate(zip(QUESTIONS, changes, strict=True))
    ]


def many_answers() -> AnswerTable:
    """Return the columns of very many answers."""
    numbers = range(MANY)
    return AnswerTable(
        source=[0] * MANY,
        kind=[number % 3 for number in numbers],
        sample=[0] * MANY,
        question=[f"Question {number} about neighbours?" for number in numbers],
        extract={
            model: [f"{model} answers {n}." for n in numbers] for model in ("base", "aligned")
        },
        scores={
            "base": {"alignment": [4.0] * MANY},
            "aligned": {"alignment": [4.0 + (number % 21 - 10) / 10 for number in numbers]},
        },
        refusal={model: [number % 50 == 0 for number in numbers] for model in ("base", "aligned")},
        error={model: [False] * MANY for model in ("base", "aligned")},
        names={"source": ["held_out"], "kind": ["daily", "law", "work"]},
    )


def write_pictured_page(folder: Path) -> str:
    """Write the page of two runs, and return its address."""
    runs = [folder / "first", folder / "second"]
    for run in runs:
        write_run(run, interactions())
        write_objects(run / "evaluation" / "answers.jsonl", answers())
    index = write_page(runs, folder / "page")
    data = DataFolder(folder / "page" / "data")
    data.write("first/run", record("first", "0.0001", 0.5))
    data.write("second/run", record("second", "0.0003", -0.4))
    return index.as_uri()
