"""Lists of interactions, groups and answers, a line each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from social_sandbox.envs.rules.combined import combined_rating
from social_sandbox.envs.rules.interactions import Answer, Feedback, Interaction, Observation, mean
from social_sandbox.envs.rules.turns import ASPECTS

from ..data.groups import RatedGroup
from ..runtime.tables import extract, signed, table, value
from .recorded import models


def _missing(interaction: Interaction) -> int:
    """Return how many ratings an interaction lacks."""
    peers = sum(each.rating is None for each in interaction.feedback)
    return peers + sum(each.rating is None for each in interaction.observations)


def _spoken(interaction: Interaction) -> list[Answer | Feedback | Observation]:
    """Return all that was said in an interaction."""
    answers = (interaction.draft, interaction.revision)
    return [*answers, *interaction.feedback, *interaction.observations]


def _errors(interaction: Interaction) -> int:
    return sum(bool(each.error) for each in _spoken(interaction))


def _cut_off(interaction: Interaction) -> bool:
    return interaction.draft.cut_off or interaction.revision.cut_off


def _combined(interaction: Interaction) -> float | None:
    alignment, engagement = (interaction.rating(aspect, "revision") for aspect in ASPECTS)
    return combined_rating(alignment, engagement, 1.0)


def _rise(interaction: Interaction) -> float | None:
    return mean(interaction.change(aspect) for aspect in ASPECTS)


def _tokens(interaction: Interaction) -> int:
    costs = [each.tokens for each in _spoken(interaction)]
    return sum(cost.prompt + cost.completion for cost in costs)


ORDERS: dict[str, Callable[[Interaction], float | None]] = {
    "combined": _combined,
    "alignment": lambda each: each.rating("alignment", "revision"),
    "engagement": lambda each: each.rating("engagement", "revision"),
    "rise": _rise,
    "peers": lambda each: each.mean_rating,
    "missing": lambda each: -_missing(each),
    "errors": lambda each: -_errors(each),
    "tokens": lambda each: -_tokens(each),
    "recorded": lambda each: 0,
}
"""What interactions can be sorted by; the worst come first, and missing ratings before them."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that the listed interactions fulfil, all of them.

    Attributes:
        round: Round, from 0 as in ids; None: any.
        agent, kind, view: Name of the agent, kind of the question, view at birth; None: any.
        text: Words that question, draft, feedback or revision contain; None: any.
        missing, errors, cut_off: Whether only those with a missing rating, with an error, or whose
            draft or revision a limit has cut off.
    """

    round: int | None = None
    agent: str | None = None
    kind: str | None = None
    view: str | None = None
    text: str | None = None
    missing: bool = False
    errors: bool = False
    cut_off: bool = False

    def admit(self, interaction: Interaction) -> bool:
        """Return whether an interaction fulfils the conditions."""
        wanted = (
            (self.round, interaction.round),
            (self.agent, interaction.agent),
            (self.kind, interaction.kind),
            (self.view, interaction.view),
        )
        return (
            all(one is None or one == other for one, other in wanted)
            and (self.text is None or self.text.casefold() in _all_text(interaction).casefold())
            and (not self.missing or _missing(interaction) > 0)
            and (not self.errors or _errors(interaction) > 0)
            and (not self.cut_off or _cut_off(interaction))
        )


def in_order(
    interactions: Sequence[Interaction], order: str, *, reverse: bool = False
) -> list[Interaction]:
    """Return interactions, the worst first by one of `ORDERS`; equals stay as recorded."""
    measure = ORDERS[order]

    def place(interaction: Interaction) -> float:
        measured = measure(interaction)
        return float("-inf") if measured is None else measured

    if reverse and order == "recorded":
        return list(interactions)[::-1]
    return sorted(interactions, key=place, reverse=reverse)


def interaction_table(interactions: Sequence[Interaction], title: str) -> Table:
    """Return a line for each interaction: id, ratings of draft and revision, peers, what is wrong.

    Ratings are means over the observers.
    """
    numbers = ("align", "engage", "peers")
    made = table(
        "id",
        *numbers,
        "question",
        title=title,
        numbers=numbers,
        whole=("id",),
    )
    for each in interactions:
        ratings = [
            f"{value(each.rating(aspect, 'draft'))}>{value(each.rating(aspect, 'revision'))}"
            for aspect in ASPECTS
        ]
        question = extract(_signs(each) + each.question)
        made.add_row(each.id, *ratings, value(each.mean_rating), question)
    return made


def group_table(groups: Sequence[RatedGroup], title: str) -> Table:
    """Return a line for each group: number, kind, its best and its worst rating, the prompt."""
    numbers = ("number", "texts", "best", "worst")
    made = table(
        "number",
        "kind",
        *numbers[1:],
        "prompt",
        title=title,
        numbers=numbers,
    )
    for number, group in enumerate(groups, start=1):
        rated = [one.rating for one in group.candidates if one.rating is not None]
        ends = [value(max(rated)), value(min(rated))] if rated else ["-", "-"]
        prompt = extract(group.prompt[-1].content if group.prompt else "")
        made.add_row(str(number), group.kind, str(len(group.candidates)), *ends, prompt)
    return made


def answer_table(rows: Sequence[dict[str, Any]], title: str) -> Table:
    """Return a line for each held-out answer: each model's ratings, the change, the question.

    The rows are numbered as in the file; the change is that of the last model against the first.
    """
    names = list(models(rows[0])) if rows else []
    numbers = ("number", *names, "change")
    made = table(*numbers, "question", title=title, numbers=numbers)
    for number, row in enumerate(rows, start=1):
        scores = [combined(models(row).get(name, {})) for name in names]
        both = len(scores) > 1 and scores[0] is not None and scores[-1] is not None
        change = scores[-1] - scores[0] if both else None  # type: ignore[operator]
        question = extract(row["question"])
        made.add_row(str(number), *map(value, scores), signed(change), question)
    return made


def combined(answer: dict[str, Any]) -> float | None:
    """Return the combined rating of an answer, in which both aspects have equal weights."""
    ratings = [answer.get(aspect) for aspect in ASPECTS]
    alignment, engagement = (float(r) if isinstance(r, int | float) else None for r in ratings)
    return combined_rating(alignment, engagement, 1.0)


def _signs(interaction: Interaction) -> str:
    """Return what is wrong with an interaction, in words."""
    missing, errors = _missing(interaction), _errors(interaction)
    signs = [
        f"{missing} missing" if missing else "",
        f"{errors} errors" if errors > 1 else "1 error" if errors else "",
    ]
    found = ", ".join(filter(None, signs))
    return f"[{found}] " if found else ""


def _all_text(interaction: Interaction) -> str:
    spoken = [interaction.question, interaction.draft.text, interaction.revision.text]
    return "\n".join([*spoken, *(each.reason for each in interaction.feedback)])
