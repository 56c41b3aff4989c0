"""What an experiment is: which settings are compared, on what, and by which measures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from social_sandbox.envs.errors import UserError

Scale = Literal["small", "paper"]
SCALES: tuple[Scale, ...] = ("small", "paper")
"""The sizes of an experiment; each is a file of `configs/scale`."""

Measured = Mapping[str, Mapping[str, float]]
"""Values by the name of the measure, and then by unit, such as the question or the interaction. A
value of the whole cell, such as its time, has the unit `WHOLE`."""
WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that is compared: a row of the table, with a cell for each seed.

    Attributes:
        name: Name of the row and of the folder of its cells.
        overrides: Settings of the command line that make it.
        baseline: The row that this one is compared with; None: the experiment's baseline.
        series: Name of the curve that the row is a point of; empty: the row is no point of a curve.
        x: Place of the point on the curve, such as a number of tokens.
        commands: The commands that make its cells; None: those of the experiment.
        society: Name of the kind of society that its cells take from; cells of equal names share
            one. Empty: there is one kind.
        society_overrides: Settings that make this kind of society.
    """

    name: str
    overrides: tuple[str, ...] = ()
    baseline: str | None = None
    series: str = ""
    x: float | None = None
    commands: tuple[str, ...] | None = None
    society: str = ""
    society_overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the table.

    Attributes:
        name: Key in what `Experiment.measure` returns.
        label: Heading of the column, with its unit.
        form: Format of a number, as in `format`; of a difference with a sign before it.
        compared: Whether the difference to the baseline is a column as well.
        scale: What a value is multiplied by before it is shown.
        interval: Whether the table shows the interval; the file `table.json` has all.
    """

    name: str
    label: str
    form: str = ".2f"
    compared: bool = False
    scale: float = 1.0
    interval: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """A complete cell: one setting with one seed, on one choice of norms.

    Attributes:
        folder: Its output folder, with a folder for each stage.
        norms: Names of the norms that its observer rates by; empty for another observer.
    """

    folder: Path
    norms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """An experiment of the paper.

    Attributes:
        name: Its name; `configs/experiment` has a file of this name.
        purpose: What it asks, in one sentence.
        settings: Returns the settings that are compared, for a scale and, where the experiment has
            `values`, for these.
        baseline: Name of the row that the others are compared with.
        measure: Returns what is measured in a complete cell.
        measures: The columns of the table; the first is drawn.
        commands: The commands that make a cell, in this order.
        takes: What a cell takes from the society of its seed, which all settings share: its rated
            `groups` or its `interactions`; None: there is no such society.
        measure_base: Measures the base model in a cell; None: there is no row of the base model.
        norms: Norms of the observer by scale, see `Plan.norms`; none: those of the scale itself.
        seeds: Seeds by scale, unless others are asked for.
        sizes: Further settings of all parts by scale.
        values: What the settings are made of by scale, such as numbers of tokens, where the user
            may name others: `values=[...]`.
        of_values: What the values are, for the help.
        x_label: What the axis of the curves is.
        remarks: Returns sentences under the table, made of its rows.
        draw: Draws the rows of the table into a figure; None: curves where rows are points of
            curves, and otherwise a row each.
    """

    name: str
    purpose: str
    settings: Callable[..., Iterable[Setting]]
    baseline: str
    measure: Callable[[Cell], Measured]
    measures: tuple[Measure, ...]
    commands: tuple[str, ...] = ("align", "evaluate")
    takes: Literal["groups", "interactions"] | None = "groups"
    measure_base: Callable[[Cell], Measured] | None = None
    norms: Mapping[Scale, tuple[str, ...]] = field(default_factory=dict)
    seeds: Mapping[Scale, tuple[int, ...]] = field(
        default_factory=lambda: {"small": (0, 1), "paper": (0, 1, 2)}
    )
    sizes: Mapping[Scale, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[Scale, tuple[Any, ...]] = field(default_factory=dict)
    of_values: str = ""
    x_label: str = ""
    remarks: Callable[[Sequence[Mapping[str, Any]]], Sequence[str]] = lambda rows: ()
    draw: Callable[[Any, Sequence[Mapping[str, Any]]], None] | None = None

    def settings_at(self, scale: Scale, values: Sequence[Any] = ()) -> tuple[Setting, ...]:
        """Return the settings at a scale; `values`: what they are made of, if not the default.

        Raises:
            UserError: The experiment has no values, or one is of a wrong type.
        """
        default = self.values.get(scale, ())
        if values and not default:
            raise UserError(f"values: {self.name} has none")
        kind = type(default[0]) if default else None
        for value in values:
            if type(value) is not kind or value in ("", 0):
                raise UserError(f"values: must be {self.of_values}, got {value!r}")
        return tuple(self.settings(scale, values or default) if default else self.settings(scale))
