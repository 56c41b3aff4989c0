"""What is measured in a complete cell: held-out answers, and what the training cost."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.envs.rules.interactions import mean
from social_sandbox.envs.text.jsonl import OBJECT, read_jsonl
from social_sandbox.policies.norms import Norm, find_norm
from social_sandbox.policies.norms.registry import KEPT_OUT, NORMS

from ..runtime.stage import read_record
from .experiment import WHOLE, Cell, Measure

ADHERENCE = Measure("adherence", "adherence (%)", ".1f", compared=True, scale=100)
RATING = Measure("rating", "rating", ".2f", compared=True)
OTHERS = Measure("other_norms", "other norms (%)", ".1f", scale=100, interval=False)
KEPT = Measure("kept_out", "kept-out norms (%)", ".1f", scale=100, interval=False)
TOKENS = Measure("tokens", "tokens", ",.0f", interval=False)
SECONDS = Measure("seconds", "seconds", ",.0f", interval=False)
MEMORY = Measure("memory", "GiB", ".1f", interval=False)
PERPLEXITY = Measure("perplexity", "perplexity of good answers", ".1f", interval=False)
GRADIENT_NORM = Measure("gradient_norm", "gradient norm", ".2f", interval=False)
HINGES = Measure("hinge_active", "active hinges (%)", ".0f", scale=100, interval=False)
GENERATING = Measure("generating", "time in the society (%)", ".0f", scale=100, interval=False)
GROUPS = Measure("groups", "groups", ",.0f", interval=False)

Measured = dict[str, dict[str, float]]


def held_out(cell: Cell, model: str = "aligned") -> Measured:
    """Return what a model's held-out answers are like, by question.

    `adherence` is the share of the norms of the cell's observer that the answers follow, or of all
    norms with another observer; `other_norms` and `kept_out` are those that the observer does not
    rate by. `follows NAME` is a norm alone. `rating` is the observer's, where both aspects count as
    they do by default.

    Args:
        cell: The cell.
        model: `aligned` or `base`.
    """
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in read_jsonl(cell.folder / "evaluation" / "answers.jsonl", OBJECT, "output_dir"):
        rows[str(row["question"])].append(row[model])
    observed = [find_norm(name) for name in cell.norms]
    names = {norm.name for norm in observed}
    every = {norm.name: norm for norm in (*NORMS.values(), *observed)}
    kept_out = [every[name] for name in KEPT_OUT if name not in names]
    others = [norm for name, norm in every.items() if name not in {*names, *KEPT_OUT}]
    sets = {
        ADHERENCE.name: observed or list(every.values()),
        OTHERS.name: others,
        KEPT.name: kept_out,
        **{f"follows {norm.name}": [norm] for norm in every.values()},
    }
    measured: Measured = {name: _shares(norms, rows) for name, norms in sets.items() if norms}
    ratings = {
        question: mean(combined_rating(a["alignment"], a["engagement"], 1.0) for a in answers)
        for question, answers in rows.items()
    }
    measured[RATING.name] = {q: rating for q, rating in ratings.items() if rating is not None}
    return measured


def base_held_out(cell: Cell) -> Measured:
    """Return what the base model's answers are like, see `held_out`, and its perplexity."""
    return held_out(cell, "base") | _perplexity(cell, "base")


def training_cost(cell: Cell) -> Measured:
    """Return what the training read and needed: tokens, seconds, peak of the memory in GiB.

    `gradient_norm`, before gradients are clipped, and `generating`, the share of time that is spent
    in the society, are means over the steps of the log.
    """
    summary = _summary(cell.folder / "alignment")
    log = json.loads((cell.folder / "alignment" / "log.json").read_text(encoding="utf-8"))
    values = {
        TOKENS.name: summary.get("tokens"),
        SECONDS.name: summary.get("seconds"),
        MEMORY.name: summary.get("peak_bytes", 0) / 2**30,
        GROUPS.name: summary.get("groups"),
        HINGES.name: summary.get("hinge_active"),
        GRADIENT_NORM.name: mean(row.get("grad_norm") for row in log),
        GENERATING.name: mean(row.get("society/share_generating") for row in log),
    }
    return {name: {WHOLE: float(value)} for name, value in values.items() if value is not None}


def trained(cell: Cell) -> Measured:
    """Return the held-out measures of the aligned model and what its training cost."""
    return held_out(cell) | _perplexity(cell, "aligned") | training_cost(cell)


def _perplexity(cell: Cell, model: str) -> Measured:
    """Return the perplexity of the held-out questions' good answers, where they have any."""
    value = _summary(cell.folder / "evaluation").get("perplexity_of_good", {}).get(model)
    return {} if value is None else {PERPLEXITY.name: {WHOLE: value}}


def _shares(norms: Sequence[Norm], rows: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    """Return the share of norms that the answers to each question follow, over norms and samples.

    A question to which no norm applies has none.
    """
    shares = {}
    for question, answers in rows.items():
        followed = [
            norm.is_followed(question, str(answer["answer"]))
            for norm in norms
            if norm.applies(question)
            for answer in answers
        ]
        if followed:
            shares[question] = sum(followed) / len(followed)
    return shares


def _summary(stage: Path) -> dict[str, Any]:
    record = read_record(stage)
    return dict(record["summary"]) if record and record["complete"] else {}
