"""What stages hand over: files of earlier stages, and what stands for an input in a record."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.jsonl import OBJECT, read_jsonl

from ..reporting import wandb_run as tracking
from ..runtime.stage import Summary, Work, file_hash, is_complete, run_stage
from .settings import Settings


def staged(
    settings: Settings,
    console: Console,
    name: str,
    made_with: Mapping[str, Any],
    prepare: Callable[[], Work],
) -> Summary:
    """A stage of this run in its folder; see `run_stage`."""
    return run_stage(
        settings.output_dir / name,
        made_with,
        prepare,
        overwrite=settings.overwrite,
        console=console,
    )


@contextmanager
def logged_once(
    settings: Settings, stage: str, run: tracking.Run, sources: Sequence[tuple[str, Path]]
) -> Iterator[tracking.Run]:
    """The run to log a stage to; None if it has it already. The stage's files follow."""
    folder = settings.output_dir / stage
    yield None if tracking.is_logged(run, folder) else run
    tracking.log_files(run, folder, sources, settings.wandb.log_model)


def output_of(settings: Settings, stage: str, file: str, command: str) -> Path:
    """A file of an earlier stage, which must be complete."""
    folder = settings.output_dir / stage
    if not is_complete(folder):
        raise UserError(f"output_dir: {folder} is not complete: social-sandbox {command} first")
    return folder / file


def input_hash(path: str | Path | None, setting: str) -> str | None:
    """What stands for an input file in a stage's record: the hash of what is in it."""
    if path is None:
        return None
    try:
        return file_hash(Path(path))
    except OSError as error:
        raise UserError(f"{setting}: cannot read {path}: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """What is in a JSON file; None where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file with a JSON object a line."""
    return list(read_jsonl(path, OBJECT, "output_dir"))
