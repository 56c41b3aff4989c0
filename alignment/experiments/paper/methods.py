"""Methods at equal tokens: what each makes of the same ratings, and what it costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..experiment import Experiment, Scale, Setting
from ..measures import (
    ADHERENCE,
    KEPT,
    MEMORY,
    OTHERS,
    RATING,
    SECONDS,
    TOKENS,
    base_held_out,
    trained,
)

METHODS = ("stable_alignment", "sft", "rrhf", "chain_of_hindsight", "dpo", "kto", "rlhf")
BUDGETS: Mapping[Scale, tuple[int, ...]] = {
    "small": (8_000,),
    "paper": (5_000_000, 20_000_000, 80_000_000),
}
"""Tokens that each method may read, by scale."""
SLOW = ("chain_of_hindsight", "kto", "rlhf")
"""Methods that have the largest of several budgets alone at the small scale: they take long."""
PUBLISHED = "stable_alignment_model_card"
"""The paper's own setting of Stable Alignment, at the scale of the paper beside the defaults."""
BASELINE = "sft"


def settings(scale: Scale, budgets: Sequence[int]) -> list[Setting]:
    """Return each method with each budget of tokens; methods are compared at equal tokens."""
    return [
        Setting(
            f"{method}-{budget}",
            (f"method={method}", f"method.max_tokens={budget}"),
            baseline=f"{BASELINE}-{budget}",
            series=method,
            x=budget,
        )
        for budget in budgets
        for method in (METHODS if scale == "small" else (*METHODS, PUBLISHED))
        if scale == "paper" or budget == max(budgets) or method not in SLOW
    ]


def remarks(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return how many tokens each method needs for what the baseline reaches with all its tokens.

    Between two budgets the adherence is taken to rise evenly, from that of the base model at 0
    tokens.
    """
    found = []
    for norm in dict.fromkeys(row["norm"] for row in rows):
        curves: dict[str, list[tuple[float, float]]] = {}
        start = []
        for row in rows:
            if row["norm"] != norm or ADHERENCE.name not in row["measures"]:
                continue
            mean = row["measures"][ADHERENCE.name]["estimate"]["mean"]
            if row["x"] is None:
                start = [(0.0, mean)]
            else:
                curves.setdefault(row["series"], []).append((row["x"], mean))
        if BASELINE not in curves:
            continue
        level = max(curves[BASELINE])[1]
        needed = {name: _reached([*start, *sorted(curve)], level) for name, curve in curves.items()}
        words = ", ".join(
            f"{name} {'not reached' if tokens is None else f'{tokens:,.0f}'}"
            for name, tokens in needed.items()
        )
        of_norm = f" of {norm}" if norm else ""
        found.append(
            f"Tokens to the adherence{of_norm} that {BASELINE} has after all its tokens "
            f"({100 * level:.1f} %), interpolated between budgets and from the base model at 0: "
            f"{words}."
        )
    return found


def _reached(curve: Sequence[tuple[float, float]], level: float) -> float | None:
    """Return where a curve of (tokens, adherence) first reaches a level; None where it does not."""
    for place, (tokens, value) in enumerate(curve):
        if value >= level:
            if place == 0:
                return tokens
            before, lower = curve[place - 1]
            return before + (tokens - before) * (level - lower) / (value - lower)
    return None


EXPERIMENT = Experiment(
    name="methods",
    purpose="What does each method make of the same ratings, with equal numbers of tokens?",
    settings=settings,
    baseline=BASELINE,
    measure=trained,
    measure_base=base_held_out,
    measures=(ADHERENCE, OTHERS, KEPT, RATING, TOKENS, SECONDS, MEMORY),
    norms={"small": ("asks_back+brief",)},
    sizes={"small": ("env.n_rounds=2", "evaluate.answers_only=true")},
    values=BUDGETS,
    of_values="numbers of tokens such as [2000,8000]",
    x_label="tokens",
    remarks=remarks,
)
