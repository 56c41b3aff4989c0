"""Sweeps: many runs that differ in a few settings, by wandb's agent or by Hydra's --multirun.

Each point of a sweep has a folder in `output_dir`, named by a hash of its settings. If wandb issues
a preempted point again, another process resumes it in the same folder.
"""

import json
import re
from ast import literal_eval
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.jsonl import write_whole

from ..runtime.markdown import markdown_table
from ..runtime.processes import in_sweep
from ..runtime.secrets import HIDDEN, without_secret
from ..runtime.stage import read_record, write_json
from ..stages.override_values import in_hydras_grammar

POINT = "point.json"
SUMMARY = "summary.md"
NOT_SWEPT = ("output_dir", "overwrite", "progress", "wandb", "hydra", "budget")


def sweep_files() -> dict[str, Path]:
    """Return the sweeps of this package: the YAML file for `wandb sweep` by the sweep's name."""
    folder = Path(str(files("social_sandbox.configs") / "sweeps"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def sweep_file(name: str) -> Path:
    """Return the file of a sweep.

    Raises:
        UserError: There is no such sweep; the message lists all.
    """
    paths = sweep_files()
    if name not in paths:
        raise UserError(f"sweeps: no sweep {name!r}; there are {', '.join(paths)}")
    return paths[name]


def first_comment(path: Path) -> str:
    """Return the purpose of a sweep, which is the first line of its file."""
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def as_hydra_overrides(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that wandb's agent passes as overrides in Hydra's grammar.

    wandb writes values as Python does. A preempted point is issued again with its whole config:
    with lists, with settings that had been added, and with hidden keys. The hidden keys are left
    out: the sweep's own command has them.
    """
    return [_as_hydra_override(argument) for argument in arguments if HIDDEN not in argument]


def _as_hydra_override(argument: str) -> str:
    name, equals, value = argument.partition("=")
    if re.fullmatch(r"\w+(\.\w+)*\.(?!_target_)\w+", name):
        name = f"++{name}"
    try:
        parsed = literal_eval(value)
    except (ValueError, SyntaxError):
        parsed = value
    if parsed is None or isinstance(parsed, list | tuple | dict):
        return f"{name}{equals}{in_hydras_grammar(parsed)}"
    try:
        is_single = not OverridesParser.create().parse_override(argument).is_sweep_override()
    except HydraException:
        is_single = False
    return f"{name}{equals}{value if is_single or not equals else in_hydras_grammar(value)}"


def begin_point(folder: Path, overrides: Sequence[str]) -> None:
    """Write the settings in which this point differs from others to its folder."""
    # A preempted point is issued again with its whole config, which hides the differences.
    if not (in_sweep() and (folder / POINT).exists()):
        write_json(folder / POINT, {"settings": swept(overrides)})


def swept(overrides: Sequence[str]) -> dict[str, str]:
    """Return the settings of a command line that can differ between points, without secrets."""
    pairs = (without_secret(override).lstrip("+~").partition("=") for override in overrides)
    return {
        name: value
        for name, equals, value in pairs
        if equals and name.partition(".")[0] not in NOT_SWEPT
    }


def summarise(folder: Path) -> Path:
    """Write `summary.md`, a table of all points in a folder, and return its path."""
    points = [
        (path.parent, json.loads(path.read_text(encoding="utf-8"))["settings"])
        for path in sorted(folder.glob(f"*/{POINT}"))
    ]
    names = list(dict.fromkeys(name for _, settings in points for name in settings))
    differing = [n for n in names if len({settings.get(n) for _, settings in points}) > 1]
    rows = [
        (
            [settings.get(name, "") for name in differing],
            {"point": point.name, **_results(point)},
        )
        for point, settings in points
    ]
    columns = list(dict.fromkeys(name for _, results in rows for name in results))
    cells = [
        [*values, *(results.get(name, "-") for name in columns)]
        for values, results in sorted(rows, key=lambda row: [_order(v) for v in row[0]])
    ]
    path = folder / SUMMARY
    table = markdown_table([*differing, *columns], cells, right=columns)
    # Several processes may work on the points of one sweep.
    write_whole(path, table)
    return path


def _results(point: Path) -> dict[str, str]:
    """Return the results of a point's complete stages, formatted, by the name of the column."""
    results: dict[str, str] = {}
    simulation = _summary(point / "simulation")
    if simulation:
        results["mean reward"] = f"{simulation['mean_reward']:.3f}"
    alignment = _summary(point / "alignment") or {}
    if "loss_start" in alignment:
        results["loss"] = f"{alignment['loss_start']:.3f} > {alignment['loss_end']:.3f}"
        results["tokens"] = str(alignment["tokens"])
        results["tokens/s"] = f"{alignment['tokens'] / alignment['seconds']:.0f}"
        results["peak GiB"] = f"{alignment['peak_bytes'] / 2**30:.1f}"
    # Only now: help texts should not wait for torch.
    from ..evaluation.comparison import current_table

    evaluation = _summary(point / "evaluation")
    for measure, columns in current_table((evaluation or {}).get("table", {})).items():
        # A measure of the change itself, such as `moved_to_good`, has no difference.
        estimate, sign = columns["difference"], "+"
        if estimate is None:
            estimate, sign = columns["aligned"], ""
        if estimate:
            mean, low, high = (
                format(estimate[name], f"{sign}.2f") for name in ("mean", "low", "high")
            )
            results[measure.replace("_", " ")] = f"{mean} ({low} to {high})"
    return results


def _summary(stage: Path) -> Mapping[str, Any] | None:
    record = read_record(stage)
    return record["summary"] if record and record["complete"] else None


def _order(value: str) -> tuple[float, str]:
    """Return a key that sorts numbers by size and puts words after them."""
    try:
        return float(value), ""
    except ValueError:
        return float("inf"), value
