"""`social-sandbox reproduce NAME`: an experiment of the paper, from its parts to its table."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.text import Text

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.norms import find_norm
from social_sandbox.policies.terminal import Terminal

from ..runtime.signals import sigterm_stops
from ..runtime.tables import print_path, table
from .quiet import quiet_libraries

if TYPE_CHECKING:
    from ..experiments.plan import Part, Plan

USAGE = "social-sandbox reproduce NAME [scale=small|paper] [setting=value ...]"
OWN = {
    "scale": "small: the embedded models, minutes on two cores; paper: 100 agents, 50 rounds and "
    "models behind an API. Default: small.",
    "seeds": "For each there is a society, and a cell of every setting. Default: [0,1], and "
    "[0,1,2] at the scale of the paper.",
    "norms": "Choices of norms that the observer rates by, each with societies and cells of its "
    "own: [asks_back,brief] for two, [asks_back+brief] for both together; [] keeps the observer of "
    "the scale. Default: the experiment's.",
    "settings": "Names of the settings to compare, or patterns such as sft*. Default: all.",
    "values": "What the settings are made of, in place of the experiment's own values: tokens for "
    "methods, numbers of interactions for data, base models for models.",
    "jobs": "Number of parts that run at the same time, each in a process of its own; several GPUs "
    "take turns. Default: 1.",
    "output_dir": "Folder of the experiment. Default: runs/reproduce/NAME-SCALE.",
    "keep_models": "Whether to keep each cell's aligned model once it is measured. Default: false.",
    "part": "One part alone, such as cells/sft-8000/seed_0, without a table: for the jobs of a "
    "cluster. Default: none.",
    "markdown": "A further file for the table, such as docs/results/methods.md; the figure is "
    "written beside it, and what people have written around an earlier table is kept. Default: "
    "none.",
    "overwrite": "Whether to replace what was made with other settings. Default: false.",
    "progress": "Whether to show a progress bar. Default: true.",
}
"""The command's own settings; all others are for the parts, as in `social-sandbox run`."""


def reproduce_command(arguments: Sequence[str]) -> None:
    """Run an experiment.

    Raises:
        UserError: There is no such experiment, or a setting is wrong.
    """
    words = [word for word in arguments if word not in ("-h", "--help")]
    if len(words) < len(arguments):
        _print_help(next((word for word in words if "=" not in word), None))
        return
    quiet_libraries()
    from ..experiments.document import check_document
    from ..experiments.work import check_folder, run_part

    plan, given = plan_of(words), _own(words)
    if given.get("markdown"):
        check_document(_document(given), bool(given.get("overwrite", False)))
    jobs = _whole("jobs", given.get("jobs", 1))
    if given.get("part") is not None:
        part = plan.part(str(given["part"]))
        with sigterm_stops():
            check_folder(plan, bool(given.get("overwrite", False)))
            run_part(plan, part)
        return
    _run(plan, given, words, jobs)


def plan_of(words: Sequence[str]) -> "Plan":
    """Return the plan that the arguments of the command mean.

    Raises:
        UserError: There is no such experiment, or a setting is wrong.
    """
    given = _own(words)
    name = next((word for word in words if "=" not in word), None)
    if name is None:
        raise UserError(f"reproduce: name an experiment; usage: {USAGE}")
    return _plan(name, given, [word for word in words if word != name])


def _run(plan: "Plan", given: dict[str, Any], words: Sequence[str], jobs: int) -> None:
    from social_sandbox.policies.society.lock import locked

    from ..experiments.document import write_document
    from ..experiments.run import FIGURE, TABLE, reproduce
    from ..experiments.work import check_folder, check_settings

    console = Terminal()
    with console.status("checking the settings of all cells"):
        check_settings(plan)
    print_path(console, "output", plan.output_dir)
    with sigterm_stops(), locked(plan.output_dir, "reproduce"):
        check_folder(plan, bool(given.get("overwrite", False)))
        made = reproduce(
            plan,
            console,
            words,
            lambda part: _child(plan, part, words),
            jobs=jobs,
            bar=bool(given.get("progress", True)),
            wandb=_wandb(plan),
        )
    console.print(_console_table(made))
    for remark in made["remarks"]:
        console.print(f"  {remark}", highlight=False)
    for file in (f"{TABLE}.md", f"{TABLE}.json", FIGURE, "commands.sh"):
        print_path(console, "written", plan.output_dir / file)
    if given.get("markdown"):
        table = (plan.output_dir / f"{TABLE}.md").read_text(encoding="utf-8")
        write_document(_document(given), plan.experiment.name, table, plan.output_dir / FIGURE)
        print_path(console, "written", _document(given))


def _document(given: Mapping[str, Any]) -> Path:
    return Path(str(given["markdown"])).expanduser()


def _own(words: Sequence[str]) -> dict[str, Any]:
    """Return the command's own settings by name."""
    given: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name in ("output_dir", "part", "markdown"):
            given[name] = value
        elif equals and name == "settings":
            # Patterns such as *-8000 mean something else in YAML.
            given[name] = [each.strip() for each in value.strip("[]").split(",") if each.strip()]
        elif equals and name in OWN:
            try:
                given[name] = yaml.safe_load(value)
            except yaml.YAMLError:
                raise UserError(f"{name}: cannot read {value!r}") from None
    return given


def _plan(name: str, given: dict[str, Any], words: Sequence[str]) -> "Plan":
    from ..experiments.experiment import SCALES
    from ..experiments.plan import Plan, chosen_settings, refuse_varied
    from ..experiments.registry import find_experiment
    from .overrides import hydra_overrides

    too_much = [word for word in words if "=" not in word]
    if too_much:
        raise UserError(f"reproduce: {too_much[0]!r} is too much; usage: {USAGE}")
    experiment = find_experiment(name)
    scale = given.get("scale", "small")
    if scale not in SCALES:
        raise UserError(f"scale: must be {' or '.join(SCALES)}, got {scale!r}")
    seeds = given.get("seeds", list(experiment.seeds[scale]))
    seeds = seeds if isinstance(seeds, list) else [seeds]
    if not seeds or not all(type(seed) is int and seed >= 0 for seed in seeds):
        raise UserError(f"seeds: must be a list of whole numbers such as [0,1,2], got {seeds!r}")
    if len(set(seeds)) < len(seeds):
        raise UserError("seeds: a seed is named twice")
    overrides = [word for word in words if word.partition("=")[0] not in OWN]
    settings = chosen_settings(
        experiment, scale, _list(given.get("settings")), _values(given.get("values"))
    )
    refuse_varied(experiment, settings, overrides)
    norms = _list(given.get("norms", experiment.norms.get(scale, ())))
    if any(o.partition("=")[0] in ("observer", "observer._target_") for o in overrides):
        # Another observer has no norms, unless they are asked for.
        norms = _list(given.get("norms", ()))
    for norm in (name for choice in norms for name in choice.split("+")):
        find_norm(norm, "norms")
    replacing = ["overwrite=true"] if given.get("overwrite") else []
    return Plan(
        experiment,
        scale,
        tuple(seeds),
        tuple(norms),
        settings,
        tuple(hydra_overrides("run", [*overrides, *replacing])),
        Path(str(given.get("output_dir") or f"runs/reproduce/{name}-{scale}")).expanduser(),
        bool(given.get("keep_models", False)),
    )


def _list(value: Any) -> list[str]:
    return [str(each) for each in _values(value)]


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise UserError(f"{name}: must be a whole number of at least 1, got {value!r}")
    return value


def _child(plan: "Plan", part: "Part", words: Sequence[str]) -> list[str]:
    """Return the command line that runs one part in a process of its own."""
    kept = [word for word in words if word.partition("=")[0] not in ("jobs", "part", "markdown")]
    module = "social_sandbox.alignment.cli"
    return [sys.executable, "-m", module, "reproduce", *kept, f"part={part.name}"]


def _wandb(plan: "Plan") -> Any:
    """Return the settings of the tracking, with the group of all parts."""
    from dataclasses import replace

    from ..stages import compose_settings

    settings = compose_settings(
        *(o for o in plan.overrides if o.partition(".")[0] == "wandb" or o.startswith("wandb="))
    )
    return replace(settings.wandb, group=settings.wandb.group or plan.output_dir.name)


def _console_table(made: dict[str, Any]) -> Any:
    from ..experiments.experiment import Measure
    from ..experiments.table import cells

    measures = [Measure(**measure) for measure in made["measures"]]
    header, lines = cells(made, measures[:1])
    shown = table(*header, title=made["purpose"], whole=header[-2:])
    for line in lines:
        shown.add_row(*map(Text, line))
    return shown


def _print_help(name: str | None) -> None:
    from ..experiments.experiment import SCALES
    from ..experiments.registry import EXPERIMENTS, find_experiment

    console = Terminal(highlight=False)
    console.print(f"usage: {USAGE}\n", soft_wrap=True)
    if name is None:
        console.print(
            "Runs an experiment of the paper and writes one table, one figure and the commands.\n"
        )
        shown = table("experiment", "what it asks", whole=("experiment",))
        for experiment in EXPERIMENTS.values():
            shown.add_row(experiment.name, experiment.purpose)
        console.print(shown)
    else:
        experiment = find_experiment(name)
        console.print(experiment.purpose)
        for scale in SCALES:
            shown = table("setting", "overrides", title=f"scale={scale}", whole=("setting",))
            for setting in experiment.settings_at(scale):
                shown.add_row(setting.name, " ".join(setting.overrides))
            console.print(shown)
    console.print()
    own = table("setting", "what", title="settings of the command", whole=("setting",))
    for setting_name, text in OWN.items():
        own.add_row(setting_name, text)
    console.print(own)
