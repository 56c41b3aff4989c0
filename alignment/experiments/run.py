"""Runs an experiment, and writes its table, its figure and its commands."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.text.jsonl import write_whole

from ..reporting.tracking.config import WandbConfig
from ..runtime.secrets import arguments_without_secrets
from ..runtime.stage import write_json
from .figure import plot
from .plan import Part, Plan
from .table import make_table, markdown
from .work import run_parts

TABLE, FIGURE, COMMANDS = "table", "figure.png", "commands.sh"
"""Name of the table's files without their ends, and the files of the figure and the commands."""


def reproduce(
    plan: Plan,
    console: Console,
    arguments: Sequence[str],
    child: Callable[[Part], list[str]],
    *,
    jobs: int = 1,
    bar: bool = True,
    wandb: WandbConfig | None = None,
) -> dict[str, Any]:
    """Run what is missing of an experiment, and write what it comes to.

    Args:
        plan: The experiment.
        console: Where the progress is shown.
        arguments: The arguments of the command line, to be recorded.
        child: Returns the command line of a process that runs one part.
        jobs: How many parts run at the same time.
        bar: Whether to show a progress bar.
        wandb: Where the table and the figure are logged; None: nowhere.

    Returns:
        The table, see `make_table`.

    Raises:
        UserError: A setting is wrong, or a part failed.
    """
    command = shlex.join(
        ["social-sandbox", "reproduce", *arguments_without_secrets(list(arguments))]
    )
    write_whole(plan.output_dir / COMMANDS, _commands(plan, command))
    run_parts(plan, console, jobs, child, bar)
    table = make_table(plan)
    write_json(plan.output_dir / f"{TABLE}.json", table)
    write_whole(plan.output_dir / f"{TABLE}.md", markdown(table, command))
    figure = plot(plan.output_dir / FIGURE, plan.experiment, table)
    if wandb is not None:
        _log(plan, wandb, table, figure)
    return table


def _commands(plan: Plan, command: str) -> str:
    """Return a script that makes every cell anew."""
    lines = [
        "#!/bin/sh",
        f"# {command}",
        "# makes all of these; each line alone does the same.",
        "set -e",
    ]
    for part in plan.parts:
        lines += ["", f"# {part.name}", *part.lines()]
    return "\n".join(lines) + "\n"


def _log(plan: Plan, config: WandbConfig, table: dict[str, Any], figure: Path) -> None:
    """Log the table and the figure to wandb, in the group of the cells."""
    from ..reporting.tracking.run import tracked

    identity = f"{plan.experiment.name} {plan.scale}"
    with tracked(plan.output_dir, config, plan.made_with(), "reproduce", identity) as run:
        if run is None:
            return
        import wandb

        columns = ["norms", "setting", "measure", "mean", "low", "high", "seeds", "n"]
        columns += ["difference", "difference_low", "difference_high"]
        rows = []
        for row in table["rows"]:
            for name, values in row["measures"].items():
                estimate, gap = values["estimate"] or {}, values["difference"] or {}
                rows.append(
                    [row["norm"], row["setting"], name]
                    + [estimate.get(each) for each in columns[3:8]]
                    + [gap.get(each) for each in ("mean", "low", "high")]
                )
        run.log({"table": wandb.Table(columns, rows), "figure": wandb.Image(str(figure))})
