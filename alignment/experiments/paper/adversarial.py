"""Plain against adversarial prompts, in which a draft that breaks the norms stands already."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from social_sandbox.policies.norms import find_norm
from social_sandbox.policies.norms.registry import KEPT_OUT, NORMS

from ...evaluation.benchmarks.items import ITEMS, result_log
from ...evaluation.benchmarks.norms import WITH_DRAFT, norm_items
from ..experiment import Cell, Experiment, Measure, Measured, Scale, Setting

PLAIN = Measure("plain", "plain prompts (%)", ".1f", compared=True, scale=100)
ADVERSARIAL = Measure("adversarial", "adversarial prompts (%)", ".1f", compared=True, scale=100)
DROP = Measure("drop", "drop (points)", ".1f", scale=100)
KEPT = Measure("kept_out", "kept-out norms, plain (%)", ".1f", scale=100, interval=False)
METHODS = ("sft", "rrhf", "dpo", "stable_alignment")
BASELINE = "base"


def settings(scale: Scale) -> Iterator[Setting]:
    """Yield the base model, and then the methods."""
    yield Setting(BASELINE, ("evaluate.model=${base_model}",), commands=("evaluate",))
    for method in METHODS:
        yield Setting(method, (f"method={method}",))


def measure(cell: Cell) -> Measured:
    """Return the shares of the observer's norms that answers follow, by question.

    `drop` is the difference on the questions, and norms, that have both.
    """
    question_of = {item.id: str(item.meta["question"]) for item in norm_items()}
    names = {find_norm(name).name for name in cell.norms} or NORMS.keys()
    plain: dict[str, dict[str, float]] = {}
    drafted: dict[str, dict[str, float]] = {}
    for result in result_log(cell.folder / "benchmarks" / ITEMS).read():
        if result.benchmark == "norms":
            question = question_of[result.item]
            for name, score in result.scores.items():
                to = drafted if name.endswith(WITH_DRAFT) else plain
                to.setdefault(question, {})[name.removesuffix(WITH_DRAFT)] = score
    drop = {
        question: {name: plain[question][name] - score for name, score in scores.items()}
        for question, scores in drafted.items()
    }
    return {
        PLAIN.name: _means(plain, names),
        ADVERSARIAL.name: _means(drafted, names),
        DROP.name: _means(drop, names),
        KEPT.name: _means(plain, set(KEPT_OUT) - names if cell.norms else KEPT_OUT),
    }


def _means(scores: dict[str, dict[str, float]], names: Collection[str]) -> dict[str, float]:
    """Return the mean over norms of each question; questions without any of them are left out."""
    chosen = {
        question: [score for name, score in of_question.items() if name in names]
        for question, of_question in scores.items()
    }
    return {question: sum(each) / len(each) for question, each in chosen.items() if each}


def draw(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw the rows on plain prompts, and beside them on adversarial ones, for the first norms."""
    from ..figure import draw_rows

    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    first = [row for row in rows if row["norm"] == rows[0]["norm"]]
    for axes, shown in zip(panels, (PLAIN, ADVERSARIAL), strict=True):
        draw_rows(axes, first, shown)
        axes.grid(alpha=0.3)
    figure.suptitle(f"Answers that follow {rows[0]['norm'] or 'the norms'}, 95 % intervals")


EXPERIMENT = Experiment(
    name="adversarial",
    purpose="How much is lost where a draft that breaks the norms stands in the prompt?",
    settings=settings,
    baseline=BASELINE,
    measure=measure,
    measures=(PLAIN, ADVERSARIAL, DROP, KEPT),
    norms={"small": ("asks_back+brief",)},
    draw=draw,
    sizes={"small": ("env.n_rounds=2", "method.max_tokens=6000", "method.epochs=50")},
)
