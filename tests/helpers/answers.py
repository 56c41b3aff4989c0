"""Folders of runs with answers, for people to judge."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def held_out_row(question: str, sample: int = 0, **answers: str) -> dict[str, Any]:
    """A line of `evaluation/answers.jsonl`."""
    rated = {
        model: {"answer": text, "alignment": 4.0, "engagement": 5.5}
        for model, text in answers.items()
    }
    return {"question": question, "kind": "lying", "sample": sample, **rated}


def write_answers(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write the held-out answers of a run; return the run's folder."""
    file = folder / "evaluation" / "answers.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def run_with_answers(folder: Path, n: int = 10, names: Sequence[str] = ("base", "aligned")) -> Path:
    """Write a run whose models answer `n` questions with letters and numbers that tell no name."""
    letters = dict(zip(names, "xyz", strict=False))
    return write_answers(
        folder,
        [
            held_out_row(f"Question {i}?", **{m: f"Reply {x}{i}." for m, x in letters.items()})
            for i in range(n)
        ],
    )
