"""The context of a run: what every stage needs beside its own inputs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.society.lock import locked
from social_sandbox.policies.terminal import Terminal

from ..reporting.tracking import run as tracking
from ..reporting.tracking.config import EarlierCycles
from ..runtime.processes import is_first, wait_for_all
from ..runtime.stage import Made, Summary, Work, is_complete, run_stage
from .settings import Settings


@dataclass(frozen=True)
class Context:
    """Settings, output folder, console and tracking of a run.

    Attributes:
        settings: The checked settings, see `read_settings`.
        console: Where stages print.
        wandb_run: The run of Weights & Biases to log to; None: nothing is logged.
        whole_dir: The folder of the sweep or of the online job that this run is a part of; None:
            the run is on its own.
        cycle: Number of the cycle of an online job, from 0.
        earlier: Sums over the earlier cycles of an online job.
    """

    settings: Settings
    console: Console = field(default_factory=Terminal)
    wandb_run: tracking.Run = None
    whole_dir: Path | None = None
    cycle: int = 0
    earlier: EarlierCycles = field(default_factory=EarlierCycles)

    @property
    def output_dir(self) -> Path:
        """The folder that holds the folders of all stages."""
        return self.settings.output_dir

    @property
    def shared_dir(self) -> Path:
        """The folder for results that all parts of a sweep or an online job can use."""
        return self.whole_dir or self.output_dir

    @property
    def device(self) -> str | None:
        """Where models are trained and evaluated: `cpu` or `cuda`; None: a GPU if there is one."""
        return self.settings.method.config.device

    def stage_folder(self, stage: str) -> Path:
        """Return the folder of a stage, such as `simulation`."""
        return self.output_dir / stage

    def is_complete(self, stage: str) -> bool:
        """Return whether a stage of this run is complete."""
        return is_complete(self.stage_folder(stage))

    def output_of(self, stage: str, file: str, command: str) -> Path:
        """Return the path of a file that an earlier stage wrote.

        Raises:
            UserError: The stage is not complete; the message names the command that runs it.
        """
        folder = self.stage_folder(stage)
        if not is_complete(folder):
            # A script may have written the file, or somebody has merged the files of several runs.
            way = f", or interactions={folder / file} to take what is there"
            there = stage == "simulation" and (folder / file).exists()
            raise UserError(
                f"output_dir: {folder} is not complete: social-sandbox {command} first"
                f"{way if there else ''}"
            )
        return folder / file

    def run_stage(
        self,
        stage: str,
        made_with: Mapping[str, Any],
        prepare: Callable[[], Work[Made]],
        amount: Mapping[str, Any] | None = None,
        wants_more: Callable[[Summary], bool] = lambda summary: False,
    ) -> tuple[Summary, Made | None]:
        """Run a stage in its folder, see `runtime.stage.run_stage`; holds the lock meanwhile."""
        with self.locked():
            return run_stage(
                self.stage_folder(stage),
                made_with,
                prepare,
                overwrite=self.settings.overwrite,
                console=self.console,
                amount=amount,
                wants_more=wants_more,
                barrier=partial(wait_for_all, cpu=self.device == "cpu"),
            )

    def locked(self) -> AbstractContextManager[None]:
        """Return the lock of the output folder; several processes of one run hold it together."""
        return locked(self.output_dir) if is_first() else nullcontext()

    @contextmanager
    def logged_once(
        self, stage: str, sources: Sequence[tuple[str, Path]]
    ) -> Iterator[tracking.Run]:
        """Log a complete stage to wandb unless this has been done before.

        Args:
            stage: Name of the stage.
            sources: What the stage read: the artifact's name, and the file or folder.

        Yields:
            The wandb run to log the results to; None where there is nothing to log. The files of
            the stage are logged afterwards.
        """
        folder = self.stage_folder(stage)
        yield None if tracking.is_logged(self.wandb_run, folder) else self.wandb_run
        tracking.log_files(self.wandb_run, folder, sources, self.settings.wandb.log_model)
