"""The accuracy of a judge: how often it prefers the reply that people preferred."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from social_sandbox.envs.rules.seeding import key

from ...data.formats.dialogue import human_turns
from ...observer.fit import is_held_out
from ..intervals import estimate_mean
from .by_answer import CHUNK, Judge
from .items import Item, ItemResult, Part
from .pairwise import Verdict, verdicts

PAIRS = 200
"""Most pairs by which the accuracy of a judge is measured."""

RATINGS, LETTERS = "ratings", "letters"
WAYS: dict[Part, str] = {"judge": RATINGS, "judge_letters": LETTERS}
"""How a judge prefers in each part: it rates each reply, or names a letter in both orders."""


def draw_pairs(items: Sequence[Item], seed: int) -> list[Item]:
    """Draw at most `PAIRS` items of `hh` by which the accuracy of a judge is measured.

    Only pairs are drawn that the shipped value head was not trained on, so that all judges are
    asked the same.
    """
    unseen = [item for item in items if is_held_out(human_turns(str(item.meta["prompt"]))[0])]
    return sorted(unseen, key=lambda item: key(seed, "judge", item.id))[:PAIRS]


def ask_judge(judge: Judge, pairs: Sequence[Item], part: Part, seed: int) -> Iterator[ItemResult]:
    """Ask a judge which of two replies it prefers; yield the results as they come.

    Args:
        judge: Judge to ask.
        pairs: Items with a chosen and a rejected reply, see `draw_pairs`.
        part: How the judge prefers, see `WAYS`.
        seed: Seed of a judge that samples.

    Yields:
        The score `right` of each pair: 1 where the judge prefers the chosen reply, 0 where it
        prefers the other one, one half where it prefers neither; no score where the judge gave no
        rating or letter.
    """
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        queries = [item.query for item in chunk]
        chosen, rejected = (
            [item.choices[item.labels.index(label)] for item in chunk] for label in (1, 0)
        )
        if part == "judge_letters":
            preferences = verdicts(judge, queries, chosen, rejected, seed)
        else:
            ratings = (judge.rate(queries, replies) for replies in (chosen, rejected))
            preferences = [Verdict.of_ratings(*pair) for pair in zip(*ratings, strict=True)]
        for item, verdict in zip(chunk, preferences, strict=True):
            scores = {} if verdict.how == "unreadable" else {"right": verdict.win}
            details: dict[str, Any] = {"how": verdict.how}
            if verdict.error:
                details["error"] = verdict.error
            yield ItemResult("hh", item.id, part, None, scores, details)


def judge_accuracy(
    judge: Judge, results: Sequence[ItemResult], resamples: int, seed: int
) -> dict[str, Any]:
    """Estimate how often a judge prefers the reply that people preferred.

    Args:
        judge: Judge who was asked.
        results: Results of `ask_judge`, among any others.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Returns:
        `name` and `rating_scale` of the judge, and under `ratings` and `letters` each `accuracy`
        (an `Estimate`) and `at_chance`, whether the interval contains one half; None where the
        judge was not asked in this way.
    """
    accuracy: dict[str, Any] = {"name": judge.policy.name, "rating_scale": judge.rating_scale}
    for part, way in WAYS.items():
        right = [r.scores["right"] for r in results if r.part == part and "right" in r.scores]
        estimate = estimate_mean(np.array(right), resamples, seed)
        accuracy[way] = estimate and {
            "accuracy": asdict(estimate),
            "at_chance": estimate.low <= 0.5 <= estimate.high,
        }
    return accuracy


def in_words(accuracy: Mapping[str, Any]) -> str:
    """Return a line that says how reliable a judge is; `accuracy` is that of `judge_accuracy`."""
    judge = f"judge {accuracy['name']}, 1 to {accuracy['rating_scale']}"
    verbs = {
        RATINGS: "rates higher what people preferred",
        LETTERS: "says the letter of what people preferred, in both orders,",
    }
    parts = [
        f"{verb} in {_share(accuracy[way]['accuracy'])}"
        + (": at chance" if accuracy[way]["at_chance"] else "")
        for way, verb in verbs.items()
        if accuracy.get(way)
    ]
    return f"{judge}: {'; '.join(parts) or 'its accuracy is not known'}"


def in_short(accuracy: Mapping[str, Any] | None) -> str:
    """Return the accuracy of a judge in one way of preferring, for the cell of a table."""
    if accuracy is None:
        return "not known"
    at_chance = ", at chance" if accuracy["at_chance"] else ""
    return f"{accuracy['accuracy']['mean']:.0%}{at_chance}"


def _share(estimate: Mapping[str, Any]) -> str:
    low, high = f"{estimate['low']:.0%}", f"{estimate['high']:.0%}"
    return f"{estimate['mean']:.0%} ({low} to {high}, {estimate['n']} pairs)"
