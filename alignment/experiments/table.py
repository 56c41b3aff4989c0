"""The table of an experiment: a row for each setting, with intervals over seeds and questions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..evaluation.intervals import SeedsEstimate, estimate_over_seeds
from ..runtime.attempts import ATTEMPTS, begun
from ..runtime.markdown import markdown_table, plain
from ..runtime.stage import RECORD, read_record
from .experiment import Measure, Measured
from .plan import Plan
from .work import cell_of

BASE = "base"
"""The row of the model before training."""
RESAMPLES = 2000

Row = dict[str, Any]
"""A row: `norm`, `setting`, `baseline`, `overrides`, `series`, `x`, and `measures` with `estimate`
and `difference` by name."""


def make_table(plan: Plan) -> dict[str, Any]:
    """Return the table of the complete cells, as `table.json` holds it."""
    experiment = plan.experiment
    rows: list[Row] = []
    for norm in plan.norms or ("",):
        measured, base = _measured(plan, norm)
        if experiment.measure_base is not None:
            measured[BASE] = base
        settings = {setting.name: setting for setting in plan.settings}
        for name in sorted(measured, key=lambda name: name != BASE):
            setting = settings.get(name)
            against = experiment.baseline if setting is None else setting.baseline
            against = against or experiment.baseline
            compared = measured.get(against, {}) if against != name else {}
            rows.append(
                {
                    "norm": norm,
                    "setting": name,
                    "overrides": list(setting.overrides) if setting else [],
                    "baseline": against,
                    "series": setting.series if setting else "",
                    "x": setting.x if setting else None,
                    "seeds": sorted(measured[name]),
                    "measures": _estimates(measured[name], compared),
                }
            )
    attempt = begun()
    return {
        "experiment": experiment.name,
        "scale": plan.scale,
        "purpose": experiment.purpose,
        "settings": plan.made_with()["settings"],
        "seeds": list(plan.seeds),
        "norms": list(plan.norms),
        "made": {name: attempt[name] for name in ("version", "cores", "gpu")}
        | {"commits": _commits(plan) or [attempt["commit"]]}
        | {"at": datetime.now().astimezone().isoformat(timespec="seconds")},
        "measures": [asdict(measure) for measure in shown_measures(plan, rows)],
        "rows": rows,
        "remarks": list(experiment.remarks(rows)),
    }


def _commits(plan: Plan) -> list[str]:
    """Return the commits of the program that made the parts, the earliest first."""
    paths = (
        path for part in plan.parts for path in (plan.output_dir / part.name).glob("*/" + RECORD)
    )
    records = filter(None, (read_record(path.parent) for path in paths))
    attempts = [attempt for record in records for attempt in record.get(ATTEMPTS) or ()]
    attempts.sort(key=lambda attempt: str(attempt["began"]))
    return list(dict.fromkeys(str(one["commit"]) for one in attempts if one["commit"]))


def shown_measures(plan: Plan, rows: Sequence[Row]) -> list[Measure]:
    """Return the measures that any row has; several norms of the observer have a column each."""
    found = {name for row in rows for name in row["measures"]}
    names = [name for norm in plan.norms for name in norm.split("+")]
    several = list(dict.fromkeys(names)) if any("+" in norm for norm in plan.norms) else []
    first, *others = plan.experiment.measures
    each = [Measure(f"follows {name}", f"{name} (%)", ".1f", scale=100) for name in several]
    return [measure for measure in (first, *each, *others) if measure.name in found]


def markdown(table: Mapping[str, Any], command: str) -> str:
    """Return the table in Markdown, with what it was made with.

    Args:
        table: See `make_table`.
        command: The command line that made it.
    """
    header, lines = cells(table, [Measure(**measure) for measure in table["measures"]])
    made = table["made"]
    commits = [str(commit)[:7] for commit in made["commits"] if commit]
    where = made["gpu"] or f"{made['cores']} cores"
    seeds = ", ".join(map(str, table["seeds"]))
    norms = f" Norms of the observer: {', '.join(table['norms'])}." if table["norms"] else ""
    baselines = sorted({row["baseline"] for row in table["rows"]})
    one = baselines[0] if len(baselines) == 1 else "the same point of the baseline's curve"
    return "\n".join(
        [
            f"# {table['experiment'].capitalize()}",
            "",
            plain(table["purpose"]),
            "",
            "```sh",
            command,
            "```",
            "",
            plain(
                f"Version {made['version']}"
                + (f", commit{'s' * (len(commits) > 1)} {', '.join(commits)}" if commits else "")
                + f", {where}, {made['at'][:10]}. Seeds {seeds}.{norms} In brackets: 95 % "
                "intervals over seeds and questions together. Differences are to "
                f"{one}, paired by seed and question."
            ),
            "",
            markdown_table(header, lines, right=header[1 + (len(table["norms"]) > 1) :]),
            *(f"- {plain(remark)}" for remark in table["remarks"]),
            "",
        ]
    )


def cells(
    table: Mapping[str, Any], measures: Sequence[Measure]
) -> tuple[list[str], list[list[str]]]:
    """Return the header and the cells of some of a table's measures, as texts."""
    has_norms = len(table["norms"]) > 1
    header = [*(["norms"] if has_norms else []), "setting"]
    for measure in measures:
        header += [measure.label, *(["difference"] if measure.compared else [])]
    lines = []
    for row in table["rows"]:
        line = [*([row["norm"]] if has_norms else []), row["setting"]]
        for measure in measures:
            values = row["measures"].get(measure.name, {})
            line.append(_shown(values.get("estimate"), measure))
            if measure.compared:
                line.append(_shown(values.get("difference"), measure, is_difference=True))
        lines.append(line)
    return header, lines


def _measured(plan: Plan, norm: str) -> tuple[dict[str, dict[int, Measured]], dict[int, Measured]]:
    """Return what the complete cells measured, by setting and seed, and the base model by seed."""
    measured: dict[str, dict[int, Measured]] = {}
    base: dict[int, Measured] = {}
    for part in plan.cells:
        cell = cell_of(plan, part) if part.norm == norm else None
        if cell is None or part.setting is None:
            continue
        measured.setdefault(part.setting.name, {})[part.seed] = plan.experiment.measure(cell)
        if plan.experiment.measure_base is not None and part.seed not in base:
            base[part.seed] = plan.experiment.measure_base(cell)
    order = [setting.name for setting in plan.settings]
    return {name: measured[name] for name in order if name in measured}, base


def _estimates(
    own: Mapping[int, Measured], compared: Mapping[int, Measured]
) -> dict[str, dict[str, Any]]:
    """Return the estimate of each measure, and of its paired difference to the baseline."""
    names = dict.fromkeys(name for measured in own.values() for name in measured)
    estimates = {}
    for name in names:
        values = {seed: measured[name] for seed, measured in own.items() if name in measured}
        differences = {
            seed: {
                unit: value - compared[seed][name][unit]
                for unit, value in of_seed.items()
                if unit in compared[seed][name]
            }
            for seed, of_seed in values.items()
            if name in compared.get(seed, {})
        }
        estimates[name] = {
            "estimate": _plain(estimate_over_seeds(values, RESAMPLES, 0)),
            "difference": _plain(estimate_over_seeds(differences, RESAMPLES, 0)),
        }
    return estimates


def _plain(estimate: SeedsEstimate | None) -> dict[str, Any] | None:
    return None if estimate is None else asdict(estimate)


def _shown(
    estimate: Mapping[str, Any] | None, measure: Measure, *, is_difference: bool = False
) -> str:
    if estimate is None:
        return ""
    form = f"+{measure.form.lstrip('+')}" if is_difference else measure.form
    mean, low, high = (
        "" if estimate[name] is None else format(measure.scale * estimate[name], form)
        for name in ("mean", "low", "high")
    )
    return f"{mean} ({low} to {high})" if low and measure.interval else mean
