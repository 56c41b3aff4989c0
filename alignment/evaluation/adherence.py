"""How many of two models' held-out answers follow norms."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from social_sandbox.envs.rules.questions import Question
from social_sandbox.policies.norms import Norm
from social_sandbox.policies.norms.norm import followed

from .comparison import Comparison, Values, compare_values
from .config import EvaluateConfig

if TYPE_CHECKING:
    from .held_out import HeldOutResults

ALL = "all norms"
"""Name of the share of answers that follow every norm that applies; no function has this name."""


def compare_adherence(
    questions: Sequence[Question],
    base: "HeldOutResults",
    aligned: "HeldOutResults",
    norms: Sequence[Norm],
    config: EvaluateConfig,
) -> dict[str, Comparison]:
    """Compare the shares of two models' answers that follow norms, paired by question.

    A question counts by the share of its samples. Questions to which a norm does not apply are
    left out of its row.

    Args:
        questions: The held-out questions.
        base: Results of the base model on them.
        aligned: Results of the aligned model on them.
        norms: Norms to check.
        config: Number of resamples, and their seed.

    Returns:
        A comparison for each norm, and for several norms `ALL`; empty without norms.
    """
    shares: dict[str, list[tuple[float, float]]] = {norm.name: [] for norm in norms}
    if len(norms) > 1:
        shares[ALL] = []
    for place, question in enumerate(questions):
        checked = [
            [followed(norms, question.text, sample[place]) for sample in model.answers]
            for model in (base, aligned)
        ]
        for name in checked[0][0]:
            both = [float(np.mean([each[name] for each in of_model])) for of_model in checked]
            shares[name].append((both[0], both[1]))
        if ALL in shares and checked[0][0]:
            both = [float(np.mean([all(each.values()) for each in model])) for model in checked]
            shares[ALL].append((both[0], both[1]))
    return {
        name: compare_values(_array(values), config) for name, values in shares.items() if values
    }


def verdict(difference: Mapping[str, Any] | None) -> str:
    """Return in a word what a difference with its interval shows: `more`, `less` or `unclear`.

    Args:
        difference: `mean`, `low` and `high`; None where there is no interval.
    """
    if difference is None:
        return "unclear"
    if difference["low"] > 0:
        return "more"
    return "less" if difference["high"] < 0 else "unclear"


def _array(values: Sequence[tuple[float, float]]) -> Values:
    return np.array(values, dtype=float).reshape(-1, 2)
