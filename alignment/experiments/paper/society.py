"""What carries a norm through a society: memory, feedback, ratings, peers, or where agents live."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from social_sandbox.envs.rules.interactions import Interaction, mean, read_interactions
from social_sandbox.policies.norms import Norm, find_norm
from social_sandbox.policies.norms.registry import NORMS
from social_sandbox.policies.society.log import INTERACTIONS

from ...evaluation.spread import followed_by_question
from ...runtime.colours import MARKERS, PALETTE, of_number
from ..experiment import Cell, Experiment, Measure, Measured, Scale, Setting
from ..measures import ADHERENCE, KEPT, OTHERS, trained

FIRST = Measure("first", "first drafts (%)", ".1f", scale=100)
LAST = Measure("last", "last revisions (%)", ".1f", compared=True, scale=100)
SPREAD = Measure("spread", "spread (points)", "+.1f", compared=True, scale=100)
CONVERTS = Measure("converts", "of those born without (%)", ".1f", scale=100)
RISE = Measure("rise", "draft to revision (points)", "+.1f", compared=True, scale=100)
RATING_RISE = Measure("rating_rise", "rise of the rating", "+.2f")
INTERACTIONS_MADE = Measure("interactions", "interactions", ",.0f", interval=False)

PEERS: Mapping[Scale, tuple[int, ...]] = {"small": (1, 2), "paper": (1, 2, 8)}
"""Numbers of peers beside that of the whole society, by scale."""
BASELINE = "whole"
WITHOUT = {
    "without_memory": "env.memory=false",
    "without_feedback": "env.n_peers=0",
    "score_only": "env.feedback=score",
    "without_ratings": "env.show_ratings=false",
    "draft_only": "env.revise=false",
}
"""The parts of a society that are taken away, and how."""
OTHERWISE = {
    "global": "env.interaction=global",
    "mixed_views": "env.world_view=mixed_half_half",
    "all_bad": "env.world_view=all_bad",
    "all_good": "env.world_view=all_good",
}
"""Where peers live, and which agents are born with which views."""
_PANELS = {
    "round": ("by round", "round"),
    "view": ("by the view agents are born with", "view"),
    "distance": ("by distance to the nearest follower", "steps on the grid"),
}


def settings(scale: Scale, peers: Sequence[int]) -> Iterator[Setting]:
    """Yield the whole society, societies without one of its parts, and other societies."""
    # The paper's societies also make training data, and a model is aligned with them.
    commands = ("simulate",) if scale == "small" else None
    yield Setting(BASELINE, commands=commands)
    for name, override in (WITHOUT | OTHERWISE).items():
        yield Setting(name, (override,), commands=commands)
    for number in peers:
        yield Setting(f"peers-{number}", (f"env.n_peers={number}",), commands=commands)


def measure(cell: Cell) -> Measured:
    """Return how far the norms of the cell's observer spread through its society, by question.

    With an observer that rates by none, all norms are looked at. `spread` is the share of revisions
    that follow the norms in the last round less that of drafts in the first; `rise` is that of
    revisions less that of drafts, over all rounds. Where a model was aligned, its held-out measures
    are returned as well.
    """
    played = read_interactions(cell.folder / "simulation" / INTERACTIONS)
    norms = [find_norm(name) for name in cell.norms] or list(NORMS.values())
    ends = {number: [one for one in played if one.round == number] for number in _ends(played)}
    (first, *_), (*_, last) = ends.values(), ends.values()
    whole, of_last = _shares(played, norms), _shares(last, norms)
    drafts = _shares(first, norms)["round", first[0].round, "draft"]
    revisions = of_last["round", last[0].round, "revision"]
    rises = [
        _less(whole["round", number, "revision"], whole["round", number, "draft"])
        for number in sorted({one.round for one in played})
    ]
    measured: dict[str, dict[str, float]] = {
        FIRST.name: drafts,
        LAST.name: revisions,
        SPREAD.name: _less(revisions, drafts),
        RISE.name: _mean(rises),
        RATING_RISE.name: _rating_rise(played),
        INTERACTIONS_MADE.name: {"whole": float(len(played))},
    }
    if ("view", "bad", "revision") in of_last:
        measured[CONVERTS.name] = of_last["view", "bad", "revision"]
    for (by, value, judged), shares in whole.items():
        measured[f"{by} {value} {judged}"] = shares
    if (cell.folder / "evaluation" / "answers.jsonl").exists():
        measured |= {name: dict(values) for name, values in trained(cell).items()}
    return {name: values for name, values in measured.items() if values}


def remarks(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the shares of revisions that follow the norms in the parts of each society."""
    said = []
    for row in rows:
        parts = []
        for by, (title, _) in _PANELS.items():
            points = _points(row, by, "revision")
            shares = ", ".join(
                f"{_shown(value, by)} {100 * each['mean']:.0f} %" for value, each in points
            )
            parts += [f"{title}: {shares}"] if points else []
        of_norm = f" ({row['norm']})" if row["norm"] else ""
        said.append(f"{row['setting']}{of_norm}, revisions that follow, {'; '.join(parts)}.")
    return said


def draw(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw the shares of revisions that follow the norms, a row of panels for each choice of norms.

    Points are shifted, so that the intervals of societies do not hide one another.
    """
    norms = list(dict.fromkeys(row["norm"] for row in rows))
    figure.set_size_inches(15, 5.5 * len(norms))
    axes = figure.subplots(len(norms), len(_PANELS), sharey=True, squeeze=False)
    figure.suptitle("Revisions that follow the norms, with 95 % intervals over seeds and questions")
    for line, norm in zip(axes, norms, strict=True):
        of_norm = [row for row in rows if row["norm"] == norm]
        for ax, (by, (title, label)) in zip(line, _PANELS.items(), strict=True):
            _panel(ax, of_norm, by)
            ax.set(title=title, xlabel=label)
            ax.grid(alpha=0.3)
        line[0].set_ylabel(f"{norm} (%)".strip())
        # Panels of a line share this axis, whose top is that of the highest interval among them.
        line[0].set_ylim(bottom=-2)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", fontsize="small")


def _panel(axes: Any, rows: Sequence[Mapping[str, Any]], by: str) -> None:
    values = {value for row in rows for value, _ in _points(row, by, "revision")}
    order = sorted(values, key=lambda value: (len(value), value))
    for number, row in enumerate(rows):
        points = dict(_points(row, by, "revision"))
        shift = 0.5 * (number / max(1, len(rows) - 1) - 0.5)
        shown = [value for value in order if value in points]
        means = [100 * points[value]["mean"] for value in shown]
        reach = [
            [
                0.0 if points[value][end] is None else abs(100 * points[value][end] - middle)
                for value, middle in zip(shown, means, strict=True)
            ]
            for end in ("low", "high")
        ]
        axes.errorbar(
            [order.index(value) + shift for value in shown],
            means,
            reach,
            color=of_number(number),
            # Where colours repeat, the shapes do not.
            marker=of_number(number + number // len(PALETTE), MARKERS),
            markersize=4,
            linestyle="-" if by != "view" else "none",
            linewidth=2.5 if row["setting"] == BASELINE else 1,
            elinewidth=0.6,
            label=row["setting"],
        )
    axes.set_xticks(range(len(order)), [_shown(value, by) for value in order])


def _shown(value: str, by: str) -> str:
    """Return the name of a part; rounds are counted from 1."""
    return str(int(value) + 1) if by == "round" else value


def _points(row: Mapping[str, Any], by: str, judged: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the estimates of a society's parts, in their order."""
    found = []
    for name, values in row["measures"].items():
        kind, _, rest = name.partition(" ")
        value, _, of = rest.rpartition(" ")
        if (kind, of) == (by, judged) and values["estimate"]:
            found.append((value, values["estimate"]))
    return sorted(found, key=lambda point: (len(point[0]), point[0]))


def _ends(played: Sequence[Interaction]) -> tuple[int, int]:
    rounds = [one.round for one in played]
    return min(rounds), max(rounds)


def _shares(played: Sequence[Interaction], norms: Sequence[Norm]) -> dict[Any, dict[str, float]]:
    return {
        part: {question: sum(each) / len(each) for question, each in by_question.items()}
        for part, by_question in followed_by_question(played, norms).items()
    }


def _less(values: Mapping[str, float], others: Mapping[str, float]) -> dict[str, float]:
    """Return how far values are above others, where both have one."""
    return {name: value - others[name] for name, value in values.items() if name in others}


def _mean(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each value over those that have it."""
    names = dict.fromkeys(name for values in each for name in values)
    return {
        name: sum(values[name] for values in each if name in values)
        / sum(name in values for values in each)
        for name in names
    }


def _rating_rise(played: Sequence[Interaction]) -> dict[str, float]:
    """Return the observers' rating of the revision less that of the draft, by question."""
    by_question: dict[str, list[float | None]] = {}
    for one in played:
        by_question.setdefault(one.question, []).append(one.change("alignment"))
    means = {question: mean(changes) for question, changes in by_question.items()}
    return {question: value for question, value in means.items() if value is not None}


EXPERIMENT = Experiment(
    name="society",
    purpose="Does a norm spread through a society, and what carries it?",
    settings=settings,
    baseline=BASELINE,
    measure=measure,
    measures=(
        *(LAST, FIRST, SPREAD, CONVERTS, RISE, RATING_RISE, INTERACTIONS_MADE),
        *(ADHERENCE, OTHERS, KEPT),
    ),
    commands=("simulate", "data", "align", "evaluate"),
    takes=None,
    norms={"small": ("asks_back",)},
    sizes={
        "small": (
            "priors=norm:${observer.norms.0}",
            *("n_worlds=1", "env.grid_size=3", "env.n_rounds=4"),
            *("env.n_questions=4", "env.questions_per_round=4"),
            "env.n_prior_memories=300",
            "policy.max_new_tokens=48",
        ),
    },
    values=PEERS,
    of_values="numbers of peers such as [1,2]",
    remarks=remarks,
    draw=draw,
)
