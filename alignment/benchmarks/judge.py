"""How good a judge is: how often it rates higher what people preferred."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from social_sandbox.envs.seeding import key

from ..formats.dialogue import human_turns
from ..intervals import estimate
from ..value_head import is_held_out
from .answers import Judge
from .items import Item

PAIRS = 200
"""At most so many pairs tell how good a judge is."""


def judge_accuracy(
    judge: Judge, pairs: Sequence[Item], resamples: int, seed: int
) -> dict[str, Any]:
    """The share of pairs whose chosen reply the judge rates higher, equal ratings half.

    Args:
        judge: who rates.
        pairs: items of `hh`; at most `PAIRS` of them are rated, drawn by the seed. Only those
            that the shipped value head was not trained on: any other judge is asked the same.
        resamples: of the bootstrap.
        seed: of it, and of the draw.

    Returns:
        `name`, `rating_scale`, `accuracy` (mean, low, high, n) or None, and `at_chance`: whether
        its interval holds one half.
    """
    unseen = [item for item in pairs if is_held_out(human_turns(str(item.meta["prompt"]))[0])]
    drawn = sorted(unseen, key=lambda item: key(seed, "judge", item.id))[:PAIRS]
    questions = [item.context for item in drawn for _ in item.choices]
    ratings = judge.rate(questions, [choice for item in drawn for choice in item.choices])
    right = []
    for item, one, other in zip(drawn, ratings[::2], ratings[1::2], strict=True):
        if one is not None and other is not None:
            chosen, rejected = (one, other) if item.labels[0] else (other, one)
            right.append(0.5 + 0.5 * np.sign(chosen - rejected))
    found = estimate(np.array(right), resamples, seed)
    return {
        "name": judge.policy.name,
        "rating_scale": judge.rating_scale,
        "accuracy": found and asdict(found),
        "at_chance": found is None or found.low <= 0.5 <= found.high,
    }


def in_words(judged: dict[str, Any]) -> str:
    """How far a judge is to be believed, in a line."""
    found = judged["accuracy"]
    if found is None:
        return f"judge {judged['name']}: its accuracy is not known"
    share = f"{found['mean']:.0%} ({found['low']:.0%} to {found['high']:.0%}, {found['n']} pairs)"
    verdict = ": at chance" if judged["at_chance"] else ""
    return (
        f"judge {judged['name']}, 1 to {judged['rating_scale']}: "
        f"rates higher what people preferred in {share}{verdict}"
    )
