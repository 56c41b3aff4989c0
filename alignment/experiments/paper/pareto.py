"""Alignment against engagement as a society talks on, until their product no longer rises."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from social_sandbox.envs.rules.interactions import Interaction, mean, read_interactions
from social_sandbox.envs.rules.pareto import pareto_products
from social_sandbox.envs.rules.turns import ASPECTS, Aspect
from social_sandbox.policies.society.log import INTERACTIONS

from ...evaluation.society import by_round
from ...runtime.colours import MARKERS, PALETTE, of_number
from ..experiment import WHOLE, Cell, Experiment, Measure, Measured, Scale, Setting

PRODUCT = Measure("product", "alignment x engagement, best round", ".1f", compared=True)
ALIGNMENT = Measure("alignment", "alignment, last round")
ENGAGEMENT = Measure("engagement", "engagement, last round")
ROUNDS = Measure("rounds", "rounds", ".1f", interval=False)
UNTIL_BEST = Measure("until_best", "interactions until the best round", ",.0f", interval=False)
UNTIL_STOP = Measure("until_stop", "interactions until the stop", ",.0f", interval=False)

_SHORT = "policy.max_new_tokens=48"
POPULATIONS: Mapping[Scale, Mapping[str, tuple[str, ...]]] = {
    "small": {
        "smollm2": (_SHORT,),
        "smollm2-hot": (_SHORT, "policy.temperature=1.2"),
        "half-scripted": (_SHORT, "population=[{policy:scripted,share:0.5}]"),
        "scripted": ("policy=scripted",),
    },
    "paper": {
        "gpt-5-mini": ("policy.model=gpt-5-mini",),
        "gpt-5-nano": ("policy.model=gpt-5-nano",),
        "qwen-7b": ("policy=huggingface", "policy.model=Qwen/Qwen2.5-7B-Instruct"),
        "half-nano": ("population=[{policy:openai,model:gpt-5-nano,share:0.5}]",),
    },
}
"""Settings of the agents by scale and name."""
_NORMS = {
    "alignment": "acknowledges_feeling,gives_no_orders,promises_only_what_it_can",
    "engagement": "asks_back,offers_next_step,brief",
}
"""What the observer of the small scale rates: the two aspects must be able to differ."""


def settings(scale: Scale) -> Iterator[Setting]:
    """Yield each population."""
    for name, overrides in POPULATIONS[scale].items():
        yield Setting(name, overrides)


def measure(cell: Cell) -> Measured:
    """Return the observers' ratings of revisions by round, and what was played until the stop.

    `ASPECT round N` holds an aspect's ratings in a round, by question. Worlds that stopped before
    have no part in a round. The product is that of each world's best round.
    """
    played = read_interactions(cell.folder / "simulation" / INTERACTIONS)
    worlds: dict[str, list[Interaction]] = {}
    for one in played:
        worlds.setdefault(one.world, []).append(one)
    products = {world: pareto_products(each) for world, each in worlds.items()}
    best = {world: max(each) for world, each in products.items() if each}
    until = [
        sum(one.round <= products[world].index(value) for one in worlds[world])
        for world, value in best.items()
    ]
    last = [one for each in worlds.values() for one in each if one.round == each[-1].round]
    measured: dict[str, dict[str, float]] = {
        PRODUCT.name: best,
        **{aspect: _ratings(last, aspect) for aspect in ASPECTS},
        ROUNDS.name: {world: float(len({one.round for one in e})) for world, e in worlds.items()},
        UNTIL_STOP.name: {WHOLE: float(len(played))},
        UNTIL_BEST.name: {WHOLE: float(sum(until))} if until else {},
    }
    for number, of_round in by_round(played).items():
        for aspect in ASPECTS:
            measured[f"{aspect} round {number}"] = _ratings(of_round, aspect)
    return {name: values for name, values in measured.items() if values}


def draw(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw a curve for each population, a point for each round that all of its seeds have played.

    A ring marks the last point; the numbers at the others are their rounds.
    """
    norms = list(dict.fromkeys(row["norm"] for row in rows))
    figure.set_size_inches(7.5 * len(norms), 5.5)
    for axes, norm in zip(figure.subplots(1, len(norms), squeeze=False)[0], norms, strict=True):
        for number, row in enumerate(row for row in rows if row["norm"] == norm):
            points = list(curve(row))
            if not points:
                continue
            colour = of_number(number)
            engagement, alignment = ([p[place] for p in points] for place in range(2))
            axes.errorbar(
                [each["mean"] for each in engagement],
                [each["mean"] for each in alignment],
                _reach(alignment),
                _reach(engagement),
                color=colour,
                marker=of_number(number + number // len(PALETTE), MARKERS),
                elinewidth=0.4,
                label=f"{row['setting']}, {len(points)} rounds",
            )
            end = (engagement[-1]["mean"], alignment[-1]["mean"])
            axes.plot(*end, "o", markersize=13, fillstyle="none", color=colour)
            for place, (x, y) in enumerate(points[:-1], start=1):
                axes.annotate(
                    str(place),
                    (x["mean"], y["mean"]),
                    textcoords="offset points",
                    xytext=(4, 4),
                    fontsize="x-small",
                    color=colour,
                )
        axes.set(xlabel="engagement of revisions", ylabel="alignment of revisions", title=norm)
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    figure.suptitle("Ratings by round, with 95 % intervals over seeds and questions")


def curve(
    row: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, float | None], Mapping[str, float | None]]]:
    """Yield the estimates of engagement and alignment of the rounds that all seeds have played."""
    number = 0
    while True:
        pair = [row["measures"].get(f"{a} round {number}") for a in ("engagement", "alignment")]
        if any(each is None or each["estimate"]["seeds"] < len(row["seeds"]) for each in pair):
            return
        yield pair[0]["estimate"], pair[1]["estimate"]
        number += 1


def remarks(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the curve of each population in numbers: alignment / engagement by round."""
    said = []
    for row in rows:
        points = ", ".join(f"{y['mean']:.2f} / {x['mean']:.2f}" for x, y in curve(row))
        if points:
            said.append(f"{row['setting']}, alignment / engagement by round: {points}.")
    return said


def _ratings(played: Sequence[Interaction], aspect: Aspect) -> dict[str, float]:
    """Return the mean rating of revisions, by question."""
    by_question: dict[str, list[float | None]] = {}
    for one in played:
        by_question.setdefault(one.question, []).append(one.rating(aspect, "revision"))
    means = {question: mean(ratings) for question, ratings in by_question.items()}
    return {question: value for question, value in means.items() if value is not None}


def _reach(points: Sequence[Mapping[str, float | None]]) -> list[list[float]]:
    """Return how far the intervals of points reach below and above their means."""
    reach: list[list[float]] = []
    for end in ("low", "high"):
        ends = [(point[end], point["mean"] or 0.0) for point in points]
        reach.append([0.0 if value is None else abs(value - middle) for value, middle in ends])
    return reach


EXPERIMENT = Experiment(
    name="pareto",
    purpose="Do alignment and engagement rise together as a society talks, and until when?",
    settings=settings,
    baseline="smollm2",
    measure=measure,
    measures=(PRODUCT, ALIGNMENT, ENGAGEMENT, ROUNDS, UNTIL_BEST, UNTIL_STOP),
    commands=("simulate",),
    takes=None,
    sizes={
        "small": (
            *(f"observer.{aspect}=[{norms}]" for aspect, norms in _NORMS.items()),
            *("n_worlds=1", "env.grid_size=3", "env.n_rounds=6", "env.patience=2"),
            *("env.n_questions=6", "env.questions_per_round=6", "env.n_prior_memories=300"),
        ),
    },
    remarks=remarks,
    draw=draw,
)
