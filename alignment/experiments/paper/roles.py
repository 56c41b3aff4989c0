"""Roles: an adapter for each, one adapter for both, and the adapters swapped between the roles.

It goes beyond the paper, in which one model drafts, revises and gives feedback.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from social_sandbox.envs.rules.interactions import Interaction, mean, read_interactions
from social_sandbox.policies.learning.rewards import agreement, rise, share
from social_sandbox.policies.norms import Norm, find_norm
from social_sandbox.policies.norms.registry import NORMS
from social_sandbox.policies.society.log import INTERACTIONS

from ...training.roles.config import ADAPTERS
from ..experiment import Cell, Experiment, Measure, Measured, Scale, Setting
from ..figure import draw_rows
from ..measures import SECONDS, TOKENS, training_cost

REVISIONS = Measure("revisions", "revisions that follow (%)", ".1f", compared=True, scale=100)
DRAFTS = Measure("drafts", "drafts that follow (%)", ".1f", scale=100)
AGREEMENT = Measure(
    "agreement", "critics' agreement with observers (%)", ".1f", compared=True, scale=100
)
RATED = Measure("rated", "feedback with a rating (%)", ".0f", scale=100, interval=False)
RISE = Measure("rise", "rise of the rating (points of 100)", "+.1f", compared=True, scale=100)
RATING = Measure("rating", "rating of revisions (%)", ".1f", scale=100)

BASELINE = "per_role"
PLAYED: Mapping[str, tuple[str | None, str | None]] = {
    BASELINE: ("speaker", "critic"),
    "swapped": ("critic", "speaker"),
    "shared": ("shared", "shared"),
    "untrained": (None, None),
}
"""The adapters of social agents and of critics, by setting."""
ALONE: Mapping[str, tuple[str | None, str | None]] = {
    "speaker_alone": ("speaker", None),
    "critic_alone": (None, "critic"),
}
"""Settings of the paper's scale in which one of the roles keeps the base model."""
_TOKENS = {"small": 48, "paper": 256}
"""Largest number of tokens of an answer, by scale."""
_WORLD = {"small": ("n_worlds=3", "shard=3/3"), "paper": ("n_worlds=2", "shard=2/2")}
"""The world that is played by the adapters: the one behind those that have made the data."""


def settings(scale: Scale) -> Iterator[Setting]:
    """Yield who is trained, and who plays whom in a world that made none of the data."""
    for name, (speaker, critic) in {**PLAYED, **(ALONE if scale == "paper" else {})}.items():
        players = f"population=[{_player(scale, speaker, 'draft,revise')},"
        players += f"{_player(scale, critic, 'feedback')}]"
        if speaker is critic is None:
            yield Setting(name, (players, *_WORLD[scale]), commands=("simulate",))
            continue
        is_shared = speaker == critic
        roles = ("shared", "shared") if is_shared else ("speaker", "critic")
        trained = f"method.roles={{social: {roles[0]}, critic: {roles[1]}}}"
        yield Setting(name, (trained, players, *_WORLD[scale]))


def _player(scale: Scale, adapter: str | None, phases: str) -> str:
    """Return an entry of the population: the base model, perhaps with an adapter of the cell."""
    path = f"adapter: ${{output_dir}}/alignment/{ADAPTERS}/{adapter}," if adapter else ""
    return (
        f"{{policy: huggingface, model: ${{base_model}}, {path} phases: [{phases}], "
        f"max_new_tokens: {_TOKENS[scale]}}}"
    )


def measure(cell: Cell) -> Measured:
    """Return what the society of a cell is like, by question, and what the training cost."""
    played = read_interactions(cell.folder / "simulation" / INTERACTIONS)
    norms = [find_norm(name) for name in cell.norms] or list(NORMS.values())
    by_question: dict[str, dict[str, list[float | None]]] = {}
    for one in played:
        for name, value in _values(one, norms):
            by_question.setdefault(name, defaultdict(list))[one.question].append(value)
    measured: dict[str, dict[str, float]] = {}
    for name, values in by_question.items():
        means = {question: mean(each) for question, each in values.items()}
        measured[name] = {q: value for q, value in means.items() if value is not None}
    if (cell.folder / "alignment" / "stage.json").exists():
        measured |= {name: dict(values) for name, values in training_cost(cell).items()}
    return {name: values for name, values in measured.items() if values}


def _values(one: Interaction, norms: Sequence[Norm]) -> Iterator[tuple[str, float | None]]:
    for norm in norms:
        if norm.applies(one.question):
            yield DRAFTS.name, float(norm.is_followed(one.question, one.draft.text))
            yield REVISIONS.name, float(norm.is_followed(one.question, one.revision.text))
    yield RISE.name, rise(one, 1.0)
    yield RATING.name, share("revision")(one, 1.0)
    for feedback in one.feedback:
        yield AGREEMENT.name, agreement(feedback, one, 1.0)
        yield RATED.name, float(feedback.rating is not None)


def draw(figure: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw what each role does: what social agents say, what critics say, and what comes of it."""
    norms = list(dict.fromkeys(row["norm"] for row in rows))
    figure.set_size_inches(15, (1.6 + 0.35 * max(1, len(rows) // len(norms))) * len(norms))
    axes = figure.subplots(len(norms), 3, sharey="row", squeeze=False)
    figure.suptitle("An adapter for each role, with 95 % intervals over seeds and questions")
    for line, norm in zip(axes, norms, strict=True):
        of_norm = [row for row in rows if row["norm"] == norm]
        for ax, each in zip(line, (REVISIONS, AGREEMENT, RISE), strict=True):
            draw_rows(ax, of_norm, each)
            ax.set_title(norm, fontsize="medium")
            ax.grid(alpha=0.3)


EXPERIMENT = Experiment(
    name="roles",
    purpose="Does an adapter for each role beat one adapter for all, and does it matter whose?",
    settings=settings,
    baseline=BASELINE,
    measure=measure,
    measures=(REVISIONS, AGREEMENT, RISE, DRAFTS, RATING, RATED, TOKENS, SECONDS),
    commands=("align", "simulate"),
    norms={"small": ("asks_back+brief",)},
    sizes={"small": ("env.memory=false", "env.n_rounds=2", "method.max_tokens=40000")},
    draw=draw,
)
