"""Jobs with settings: Hydra composes the configuration, and a stage runs in its context."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.logging import RichHandler

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.society.account import BudgetReached
from social_sandbox.policies.society.lock import locked
from social_sandbox.policies.terminal import Terminal

from ..runtime.processes import in_sweep, is_first, several
from ..runtime.signals import sigterm_stops
from ..runtime.tables import print_path
from .messages import one_line, print_error
from .overrides import hydra_overrides
from .quiet import quiet_libraries
from .sweeps import begin_point, summarise, swept

if TYPE_CHECKING:
    from ..stages import Settings


def run_job(command: str, arguments: Sequence[str]) -> None:
    """Run a command for one point of settings, or for each point of a sweep.

    Args:
        command: Name of the command.
        arguments: Overrides of settings, and options of Hydra such as `--multirun`.

    Raises:
        UserError: A setting is wrong; of a sweep, the first error. The others are printed.
        BudgetReached: A budget is spent.
    """
    overrides = hydra_overrides(command, arguments)
    # Without this, Hydra prints errors in its own format and exits with code 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    failures: list[Exception] = []

    @hydra.main(
        version_base="1.3", config_path="pkg://social_sandbox.configs", config_name="config"
    )
    def job(config: DictConfig) -> None:
        # An exception that leaves this function would be announced by a line of Hydra's.
        try:
            _run(command, config)
        except BudgetReached as error:
            failures.append(error)
        except (UserError, OmegaConfBaseException) as error:
            failures.append(UserError(f"{_point()}: {error}") if _is_point() else error)

    with sigterm_stops(), _folder_of_sweep(overrides) as where:
        sys.argv = ["social-sandbox", *overrides, *where]
        job()
    if failures:
        for failure in failures[1:]:
            print_error(one_line(failure, arguments, ()))
        raise failures[0]


def _run(command: str, config: DictConfig) -> None:
    # Only now: help texts and errors in settings should not wait for torch.
    console = Terminal(quiet=not is_first())
    with console.status("loading libraries"):
        quiet_libraries()
        _log_to_stderr()
        from ..reporting.tracking.run import tracked
        from ..stages import Context, read_settings
        from ..stages.command import run_command
        from ..stages.identity import settings_hash

        settings = read_settings(config)
    if several() and command != "align":
        raise UserError(f"{command} runs in one process; several can only align")
    if settings.shard is not None and command != "simulate":
        raise UserError(f"shard: is a setting of simulate alone; {command} needs all worlds")
    whole_dir = settings.output_dir
    point_of = None
    if _is_point():
        point_of = whole_dir
        settings = _point_settings(settings)
    # Figures are drawn of what there is, also while another process goes on with it.
    is_alone = is_first() and command != "figures"
    if command not in ("figures", "export"):
        print_path(console, "output", settings.output_dir)
    lock = locked(settings.output_dir, command) if is_alone else nullcontext()
    with lock:
        if _is_point():
            begin_point(settings.output_dir, HydraConfig.get().overrides.task)
            console.print(_point(), style="bold", soft_wrap=True)
        values = OmegaConf.to_container(config, resolve=True)
        assert isinstance(values, dict)
        named = {str(name): value for name, value in values.items()}
        identity = settings_hash(settings)
        if command == "figures":
            run_command(command, Context(settings, console))
            return
        with tracked(settings.output_dir, settings.wandb, named, command, identity) as wandb_run:
            run_command(command, Context(settings, console, wandb_run, point_of))
    if _is_point():
        console.print(f"all points so far: {summarise(whole_dir)}")


def _log_to_stderr() -> None:
    logger = logging.getLogger("social_sandbox")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        console = Terminal(stderr=True)
        logger.addHandler(RichHandler(console=console, show_time=False, show_path=False))


@contextmanager
def _folder_of_sweep(overrides: Sequence[str]) -> Iterator[list[str]]:
    """Yield the override of a sweep by which Hydra's copy of all settings is written nowhere.

    The copy would contain the keys of policies.
    """
    several_points = {"-m", "--multirun"} & set(overrides)
    if not several_points and not any(o.startswith("hydra.mode=") for o in overrides):
        yield []
        return
    with TemporaryDirectory() as folder:
        (Path(folder) / "multirun.yaml").symlink_to(os.devnull)
        yield [f"hydra.sweep.dir={folder}"]


def _is_point() -> bool:
    """Return whether this job is one point of a sweep, by wandb or by `--multirun`."""
    return in_sweep() or HydraConfig.get().mode == RunMode.MULTIRUN


def _point() -> str:
    """Return the settings in which this point differs from others, for messages."""
    settings = swept(HydraConfig.get().overrides.task)
    return " ".join(f"{name}={value}" for name, value in settings.items())


def _point_settings(settings: "Settings") -> "Settings":
    """Return the settings of a point, with a folder of its own named by their hash."""
    from ..stages.identity import settings_hash

    whole_dir: Path = settings.output_dir
    return replace(
        settings,
        output_dir=whole_dir / settings_hash(settings),
        # All points belong to one group; by default the group is named after the point's folder.
        wandb=replace(settings.wandb, group=settings.wandb.group or whole_dir.name),
    )
