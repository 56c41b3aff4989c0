"""Figures of a training, from the rows that the trainer logged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..records import Figure, Point, Series

_WORDS = {
    "loss/sft": "imitation of the best-rated",
    "loss/contrast": "contrast",
    "eval_loss": "loss on held-out groups",
    "hinge_active": "groups with an active hinge",
    "margin_violations": "candidates inside the margin",
    "nll/past_margin": "past the margin",
    "response_tokens": "tokens of a response",
    "log_ratio": "log-ratio to the base model",
}
"""What logged numbers are called in a legend; the others keep their names."""

Rows = Sequence[Mapping[str, Any]]

_BOOKKEEPING = ("step", "epoch", "num_input_tokens_seen", "total_flos")


@dataclass(frozen=True, slots=True)
class _Panel:
    """A figure of several logged numbers: those with a name or a beginning of the name."""

    id: str
    title: str
    y_label: str
    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    note: str = ""

    def has(self, name: str) -> bool:
        return name in self.names or name.startswith(self.prefixes)


_PANELS = (
    _Panel(
        "loss",
        "Loss and its parts",
        "loss",
        ("loss", "eval_loss", "held_out/loss", "held_out/sft", "held_out/contrast"),
        ("loss/",),
    ),
    _Panel(
        "reward",
        "Reward",
        "reward",
        ("reward", "reward_std"),
        ("reward/", "rewards/", "held_out/reward"),
    ),
    _Panel(
        "hinges",
        "Violated margins",
        "share",
        ("hinge_active", "margin_violations"),
        note=(
            "Groups whose contrast loss is above 0, and worse-rated candidates that are not far "
            "enough below the best-rated one."
        ),
    ),
    _Panel("nll", "Likelihood by rating", "negative log-likelihood, nats per token", (), ("nll/",)),
    _Panel("length", "Length of the responses", "tokens", ("response_tokens",), ("completions/",)),
    _Panel(
        "divergence",
        "Divergence from the base model",
        "nats per token",
        ("log_ratio", "kl", "objective/kl"),
    ),
    _Panel("learning-rate", "Learning rate", "learning rate", ("learning_rate",)),
    _Panel("gradient", "Length of the gradient", "Euclidean norm", ("grad_norm",)),
)


def training_figures(rows: Rows, stage: str = "") -> Iterator[Figure]:
    """Yield the figures of a log; every number that was logged is in one of them.

    Args:
        rows: Rows with `step` and what the method logged.
        stage: Name of the part of the training, such as `reward_model`; empty for the only one.
    """
    series = _series(rows)
    taken: set[str] = set()
    for panel in _PANELS:
        names = [name for name in series if panel.has(name)]
        taken.update(names)
        if names:
            yield _figure(panel.id, panel.title, panel.y_label, names, series, stage, panel.note)
    for name in series:
        if name not in taken:
            title = name.replace("_", " ")
            yield _figure(name.replace("/", "-"), title, title, [name], series, stage, "")


def _series(rows: Rows) -> dict[str, list[Point]]:
    series: dict[str, list[Point]] = {}
    for row in rows:
        step = row.get("step")
        if not isinstance(step, int | float):
            continue
        for name, value in row.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and name not in _BOOKKEEPING and not name.startswith("train_"):
                series.setdefault(name, []).append(Point(step, value))
    return series


def _figure(
    id: str,
    title: str,
    y_label: str,
    names: Sequence[str],
    series: Mapping[str, Sequence[Point]],
    stage: str,
    note: str,
) -> Figure:
    words = stage.replace("_", " ")
    return Figure(
        id="-".join(filter(None, ("training", stage.replace("_", "-"), id))),
        place="training",
        title=f"{title} ({words})" if stage else title,
        kind="line",
        x_label="step",
        y_label=y_label,
        series=[Series(_word(name), series[name]) for name in sorted(names, key=_place)],
        note=note,
    )


def _word(name: str) -> str:
    """Return what a logged number is called in a legend."""
    return _WORDS.get(name, name.removeprefix("nll/").replace("_", " "))


def _place(name: str) -> tuple[bool, str]:
    """Return the place of a logged number in a legend: ratings in their order."""
    return not name.startswith("nll/rating_"), name if name.startswith("nll/rating_") else ""
