"""How good a judge is: how often it prefers what people preferred."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from social_sandbox.envs.seeding import key

from ...data.formats.dialogue import human_turns
from ...observer.fit import is_held_out
from ..intervals import estimate_mean
from .by_answer import CHUNK, Judge
from .items import Item, ItemResult, Part
from .pairwise import Verdict, verdicts

PAIRS = 200
"""At most so many pairs tell how good a judge is."""

RATINGS, LETTERS = "ratings", "letters"
WAYS: dict[Part, str] = {"judge": RATINGS, "judge_letters": LETTERS}
"""What a judge gives in a part: it rates each reply, or says a letter in both orders."""


def draw_pairs(items: Sequence[Item], seed: int) -> list[Item]:
    """At most `PAIRS` items of `hh`, drawn by the seed, to learn from how good a judge is.

    Only those that the shipped value head was not trained on: any other judge is asked the same.
    """
    unseen = [item for item in items if is_held_out(human_turns(str(item.meta["prompt"]))[0])]
    return sorted(unseen, key=lambda item: key(seed, "judge", item.id))[:PAIRS]


def ask_judge(judge: Judge, pairs: Sequence[Item], part: Part, seed: int) -> Iterator[ItemResult]:
    """Whether a judge prefers what people preferred, as results come.

    Args:
        judge: who is asked.
        pairs: see `draw_pairs`.
        part: see `WAYS`.
        seed: of a judge that samples.

    Yields:
        The score `right` of each pair: 1, 0, or one half where it prefers none; no score where
        the judge gave no rating or letter.
    """
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        asked = [item.asked for item in chunk]
        chosen, rejected = (
            [item.choices[item.labels.index(label)] for item in chunk] for label in (1, 0)
        )
        if part == "judge_letters":
            found = verdicts(judge, asked, chosen, rejected, seed)
        else:
            rated = (judge.rate(asked, replies) for replies in (chosen, rejected))
            found = [Verdict.of_ratings(one, two) for one, two in zip(*rated, strict=True)]
        for item, verdict in zip(chunk, found, strict=True):
            scores = {} if verdict.how == "unreadable" else {"right": verdict.win}
            details: dict[str, Any] = {"how": verdict.how}
            if verdict.error:
                details["error"] = verdict.error
            yield ItemResult("hh", item.id, part, None, scores, details)


def judge_accuracy(
    judge: Judge, results: Sequence[ItemResult], resamples: int, seed: int
) -> dict[str, Any]:
    """How often a judge preferred what people preferred.

    Args:
        judge: who.
        results: of `ask_judge`, among any others.
        resamples: of the bootstrap.
        seed: of it.

    Returns:
        `name`, `rating_scale`, and under `ratings` and `letters`: `accuracy` (mean, low, high, n)
        and `at_chance`, whether its interval holds one half; None where it is not known.
    """
    told: dict[str, Any] = {"name": judge.policy.name, "rating_scale": judge.rating_scale}
    for part, way in WAYS.items():
        right = [r.scores["right"] for r in results if r.part == part and "right" in r.scores]
        found = estimate_mean(np.array(right), resamples, seed)
        told[way] = found and {
            "accuracy": asdict(found),
            "at_chance": found.low <= 0.5 <= found.high,
        }
    return told


def in_words(judged: Mapping[str, Any]) -> str:
    """How far a judge is to be believed, in a line."""
    named = f"judge {judged['name']}, 1 to {judged['rating_scale']}"
    does = {
        RATINGS: "rates higher what people preferred",
        LETTERS: "says the letter of what people preferred, in both orders,",
    }
    told = [
        f"{what} in {_share(judged[way]['accuracy'])}"
        + (": at chance" if judged[way]["at_chance"] else "")
        for way, what in does.items()
        if judged.get(way)
    ]
    return f"{named}: {'; '.join(told) or 'its accuracy is not known'}"


def in_short(known: Mapping[str, Any] | None) -> str:
    """The same in a cell, of one way."""
    if known is None:
        return "not known"
    verdict = ", at chance" if known["at_chance"] else ""
    return f"{known['accuracy']['mean']:.0%}{verdict}"


def _share(found: Mapping[str, Any]) -> str:
    return f"{found['mean']:.0%} ({found['low']:.0%} to {found['high']:.0%}, {found['n']} pairs)"
