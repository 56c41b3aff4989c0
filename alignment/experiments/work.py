"""Runs the parts of an experiment: one after the other, or several at the same time."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.society.lock import locked
from social_sandbox.policies.terminal import Terminal

from ..runtime.stage import write_json
from ..training.roles.config import ADAPTERS
from .experiment import Cell
from .plan import Part, Plan, that_matter

RECORD = "part.json"
"""The file in the folder of a complete part."""
EXPERIMENT = "experiment.json"
"""The file in the folder of an experiment that says what it is."""


def check_folder(plan: Plan, overwrite: bool) -> None:
    """Record what an experiment's folder is made with, unless it was made with something else.

    Raises:
        UserError: The folder holds another experiment, or one with other settings.
    """
    path = plan.output_dir / EXPERIMENT
    made_with = json.loads(json.dumps(plan.made_with()))
    before = _read(path)
    if before is not None and before != made_with and not overwrite:
        if before.get("experiment") != plan.experiment.name:
            what = f"holds the experiment {before.get('experiment')}"
        else:
            name = next(name for name in made_with if before.get(name) != made_with[name])
            now, then = _words(made_with[name]), _words(before.get(name))
            what = f"was made with other settings ({name}: {then}, now {now})"
        raise UserError(
            f"output_dir: {plan.output_dir} {what}; choose another output_dir, or overwrite=true"
        )
    write_json(path, made_with)


def check_settings(plan: Plan) -> None:
    """Compose the settings of every society and cell of one seed, before anything is run.

    Raises:
        UserError: A setting is wrong; the message names the part.
        HydraException: A setting does not exist.
    """
    from ..stages import compose_settings

    for part in plan.parts:
        if part.seed == plan.seeds[0] and cell_of(plan, part) is None:
            with _named(part):
                compose_settings(*part.overrides)


def cell_of(plan: Plan, part: Part) -> Cell | None:
    """Return a part as a complete cell, or None if it is not complete."""
    record = _read(plan.output_dir / part.name / RECORD)
    if record is None or record["made_with"] != _made_with(part):
        return None
    return Cell(plan.output_dir / part.name, tuple(record["norms"]))


def run_parts(
    plan: Plan, console: Console, jobs: int, child: Callable[[Part], list[str]], bar: bool
) -> None:
    """Run all parts that are not complete yet.

    Args:
        plan: The experiment.
        console: Where the progress is shown.
        jobs: How many parts run at the same time; above 1 each has a process of its own.
        child: Returns the command line of a process that runs one part.
        bar: Whether to show a progress bar.

    Raises:
        UserError: A part failed; the message names the part.
    """
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not bar,
    )
    with progress:
        task = progress.add_task(plan.experiment.name, total=len(plan.parts))
        for parts in (plan.societies, plan.cells):
            waiting = [part for part in parts if cell_of(plan, part) is None]
            for part in parts:
                if part not in waiting:
                    _clear(plan, part)
            progress.advance(task, len(parts) - len(waiting))
            if jobs > 1 and len(waiting) > 1:
                for part in _side_by_side(waiting, jobs, child):
                    progress.update(task, advance=1, description=part.name)
                continue
            for part in waiting:

                def tell(command: str, name: str = part.name) -> None:
                    progress.update(task, description=f"{name}: {command}")
                    if not bar:
                        console.print(f"{name}: {command}", soft_wrap=True)

                run_part(plan, part, tell)
                progress.advance(task)


def run_part(plan: Plan, part: Part, tell: Callable[[str], None] = lambda command: None) -> None:
    """Run one part in this process; complete stages are kept, an interrupted one is resumed.

    Args:
        plan: The experiment.
        part: The part.
        tell: Called with the name of each command before it runs.

    Raises:
        UserError: A setting is wrong, the society of a cell is missing, or the folder was made with
            other settings.
    """
    from social_sandbox.policies.norms.recipes import given_norms

    from ..reporting.tracking.run import tracked
    from ..stages import Context, read_settings
    from ..stages.command import run_command
    from ..stages.identity import settings_hash
    from ..stages.settings import compose_config

    if part.society is not None and not (plan.output_dir / part.society / RECORD).exists():
        raise UserError(f"part: {part.society} is not complete: run it before {part.name}")
    with _named(part):
        config = compose_config(*part.overrides, *_in_a_group(plan, part))
        settings = read_settings(config)
        values: Any = OmegaConf.to_container(config, resolve=True)
        folder = settings.output_dir
        with locked(folder, "reproduce"):
            identity = settings_hash(settings)
            with tracked(folder, settings.wandb, values, "reproduce", identity) as run:
                context = Context(settings, Terminal(quiet=True), run, plan.output_dir)
                for command in part.commands:
                    tell(command)
                    run_command(command, context)
            norms = given_norms(settings.observer)
            write_json(folder / RECORD, {"made_with": _made_with(part), "norms": norms})
    _clear(plan, part)


def _clear(plan: Plan, part: Part) -> None:
    """Remove model and adapters of a complete, measured cell: all of them would fill the disk."""
    if not plan.keep_models:
        for trained in ("model", ADAPTERS):
            folder = plan.output_dir / part.name / "alignment" / trained
            shutil.rmtree(folder, ignore_errors=True)


def _in_a_group(plan: Plan, part: Part) -> list[str]:
    """Return the settings by which the runs of all parts are one group in wandb, each named."""
    own = {"wandb.group": plan.output_dir.name, "wandb.name": part.name}
    given = {override.partition("=")[0] for override in plan.overrides}
    tracking = [f"{name}={value}" for name, value in own.items() if name not in given]
    return [*tracking, "progress=false"]


def _side_by_side(
    parts: Sequence[Part], jobs: int, child: Callable[[Part], list[str]]
) -> Iterator[Part]:
    """Run parts in processes of their own, and yield each when it is complete."""
    processes: list[subprocess.Popen[str]] = []
    gpus = _gpus()

    def run(number: int, part: Part) -> Part:
        environment = dict(os.environ)
        # Otherwise each of the processes would use all cores.
        environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
        if len(gpus) > 1:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
        process = subprocess.Popen(
            child(part),
            env=environment,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        processes.append(process)
        _, errors = process.communicate()
        if process.returncode:
            lines = [line for line in errors.splitlines() if line.strip()]
            raise UserError(f"{part.name}: {lines[-1] if lines else 'was stopped'}")
        return part

    pool = ThreadPoolExecutor(jobs)
    try:
        futures = [pool.submit(run, number, part) for number, part in enumerate(parts)]
        for future in as_completed(futures):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            if process.poll() is None:
                process.terminate()
        pool.shutdown()


def _gpus() -> list[str]:
    """Return the GPUs that processes can be given to."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [each for each in visible.split(",") if each]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


@contextmanager
def _named(part: Part) -> Iterator[None]:
    """Put the name of the part before an error."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{part.name}: {error}") from error


def _made_with(part: Part) -> dict[str, Any]:
    return {"commands": list(part.commands), "settings": that_matter(part.overrides)}


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a JSON file holds, or None if there is no such file.

    Raises:
        UserError: The file is damaged.
    """
    if not path.exists():
        return None
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"output_dir: {path} is damaged: remove it") from error


def _words(value: Any) -> str:
    return " ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
