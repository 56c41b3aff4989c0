"""The run of Weights & Biases around a command; None where nobody asked for one.

`rows` sends the rows of a run.
"""

import json
import logging
import netrc
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from social_sandbox.envs.errors import UserError, first_words
from social_sandbox.policies.society.account import BudgetReached

from ...runtime.processes import in_sweep, is_first
from ...runtime.secrets import arguments_without_secrets, without_secrets
from ...runtime.signals import Terminated
from ...runtime.stage import extend_record, read_record, write_json
from .artifacts import PRODUCTS, describe, log_stage
from .config import LogModel, WandbConfig

Run = Any
"""A wandb run, or None where tracking is disabled."""

AXES = {
    "env": "round",
    "spent": "interactions",
    "data": "cycle",
    "train": "global_step",
    "reward_model": "global_step",
    "eval": "cycle",
}
"""The step axis of each kind of metric: prefix of the metrics, and the metric that counts."""

RUNS = "wandb_runs.json"
"""File in the output folder: the wandb run of each command, and how often it was started."""

RUN = "wandb_run.json"
"""File in a checkpoint: the wandb run of the training."""

KILLED = 255
"""Exit code by which wandb recognises a run that was stopped from outside."""

_ROWS_OF_A_TRY = 1_000_000

_logger = logging.getLogger(__name__)


@contextmanager
def tracked(
    folder: Path, tracking: WandbConfig, config: Mapping[str, Any], command: str, identity: str
) -> Iterator[Run]:
    """Open a wandb run around a command; the same command with equal settings resumes the run.

    Args:
        folder: Output folder of the command.
        tracking: Settings of the tracking.
        config: Settings as plain values, which become the run's config under dotted names.
        command: Name of the command, which becomes the run's job type.
        identity: Hash of all settings that the outcome depends on.

    Yields:
        The run; None if tracking is disabled, and in all processes but the first. A run that the
        caller's script has active is left alone, or with `wandb.use_active` is the run itself.

    Raises:
        UserError: wandb was asked for and is not installed, has no key, or cannot reach its server.
    """
    mode = _mode(tracking.mode)
    # Of several processes that train together, the first one logs.
    wandb = None if mode == "disabled" or not is_first() else _import_wandb(tracking.mode)
    if wandb is None:
        yield None
        return
    if tracking.use_active and wandb.run is not None:
        _define_axes(wandb.run)
        yield wandb.run
        return
    with _variables(folder):
        yield from _around(wandb, folder, tracking, config, command, identity, mode)


def _around(
    wandb: Any,
    folder: Path,
    tracking: WandbConfig,
    config: Mapping[str, Any],
    command: str,
    identity: str,
    mode: str,
) -> Iterator[Run]:
    """Yield a run of our own, and finish it."""
    record = _begin(folder, f"{command} {identity}")
    with _argv_without_secrets(), _one_line(mode):
        run = wandb.init(
            # Inside a sweep, the sweep sets these three.
            id=None if in_sweep() else record["id"],
            project=None if in_sweep() else tracking.project,
            entity=None if in_sweep() else tracking.entity,
            group=tracking.group or folder.name,
            job_type=command,
            name=tracking.name,
            tags=list(tracking.tags),
            config=flat(without_secrets(config)),
            dir=folder.resolve(),
            mode=mode,
            resume="allow",
            # A script that calls this may have a run of its own, which goes on.
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off"),
        )
    if run.id != record["id"]:  # a sweep may choose another one
        _record(folder, f"{command} {identity}", {**record, "id": run.id})
    _define_axes(run)
    if run.offline and record["tries"] > 1:
        # An offline run cannot be resumed: each try counts its rows from 0, and rows with one
        # number would replace each other when all tries are synced into one run.
        run.log({"tries": record["tries"]}, step=(record["tries"] - 1) * _ROWS_OF_A_TRY)
    exit_code = 1
    try:
        yield run
        exit_code = 0
    except BudgetReached:
        # The run has done what its settings ask for.
        exit_code = 0
        raise
    except KeyboardInterrupt as stopped:
        exit_code = KILLED
        if isinstance(stopped, Terminated) and in_sweep():
            # The sweep issues the point again, and the settings lead to its folder.
            run.mark_preempting()
        raise
    finally:
        run.finish(exit_code=exit_code)
        for stage in PRODUCTS:
            # The stages of an online run are in the folders of its cycles.
            for stage_folder in (folder / stage, *folder.glob(f"cycle_*/{stage}")):
                _record_sent(run, stage_folder)


@contextmanager
def _variables(folder: Path) -> Iterator[None]:
    """Set wandb's variables for a run of ours; a script's own runs keep theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = {
        # Otherwise wandb advertises Weave wherever the package openai is installed.
        "WANDB_DISABLE_WEAVE": os.environ.get("WANDB_DISABLE_WEAVE", "true"),
        # Files that an offline run has still to upload are beside the run, not in the user's home.
        "WANDB_DATA_DIR": str((folder / "wandb").resolve()),
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _import_wandb(mode: str) -> Any:
    """Return the module; None where it cannot be imported and the settings leave it open."""
    try:
        import wandb
    # A broken installation can raise anything.
    except Exception as error:
        problem = f"wandb cannot be imported ({type(error).__name__}: {first_words(error)})"
        if mode != "auto":
            raise UserError(
                f"wandb.mode={mode}: {problem}: pip install wandb, or wandb=disabled"
            ) from error
        _logger.warning("%s: nothing is logged to it", problem)
        return None
    return wandb


@contextmanager
def _one_line(mode: str) -> Iterator[None]:
    """Turn an error of wandb into one that the user can read."""
    try:
        yield
    except Exception as error:
        raise UserError(
            f"wandb.mode={mode}: {first_words(error)}; check `wandb login` and the network, or use "
            "wandb=offline or wandb=disabled"
        ) from error


def _define_axes(run: Run) -> None:
    for prefix, step in AXES.items():
        run.define_metric(f"{prefix}/{step}")
        run.define_metric(f"{prefix}/*", step_metric=f"{prefix}/{step}")


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings under dotted names, as on the command line and in sweeps."""
    settings: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            settings |= flat(value, f"{prefix}{name}.")
        else:
            settings[f"{prefix}{name}"] = value
    return settings


def is_logged(run: Run, folder: Path) -> bool:
    """Return whether a run already has the rows of a stage, or tracking is disabled."""
    return run is None or run.id in (read_record(folder) or {}).get("logged_to", ())


def log_files(
    run: Run, folder: Path, sources: Sequence[tuple[str, Path]], log_model: LogModel
) -> None:
    """Record the output and the inputs of a stage, and log them as artifacts."""
    described = describe(folder, sources)
    if not is_logged(run, folder):
        log_stage(run, described, log_model)
        extend_record(folder, {"logging_to": run.id})


def _record_sent(run: Run, folder: Path) -> None:
    """Record that a finished run has a stage; a run that was killed is sent the stage again."""
    record = read_record(folder) or {}
    if record.get("logging_to") == run.id:
        sent = [*record.get("logged_to", ()), run.id]
        extend_record(folder, {"logged_to": sent, "logging_to": None})


def _begin(folder: Path, name: str) -> dict[str, Any]:
    """Return the `id` of the run of this command and settings, and `tries` including this one."""
    from wandb.sdk.lib.runid import generate_id

    before = _runs(folder).get(name) or _in_checkpoint(folder, name)
    record = before or {"id": generate_id(), "tries": 0}
    if in_sweep():
        record["id"] = os.environ.get("WANDB_RUN_ID", record["id"])
    record["tries"] += 1
    _record(folder, name, record)
    return dict(record)


def _runs(folder: Path) -> dict[str, Any]:
    path = folder / RUNS
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _record(folder: Path, name: str, record: Mapping[str, Any]) -> None:
    write_json(folder / RUNS, {**_runs(folder), name: record})


def of_run(run: Run) -> dict[str, Any]:
    """Return the record for a checkpoint, by which its run is resumed without `wandb_runs.json`.

    A run that the caller's script has made has no command of ours.
    """
    runs = _runs(Path(run.settings.root_dir))
    of_run = ((name, record) for name, record in runs.items() if record["id"] == run.id)
    name, record = next(of_run, ("", {"id": run.id, "tries": 1}))
    return {**record, "project": run.project, "entity": run.entity, "command": name}


def _in_checkpoint(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the run of this command and settings from its latest checkpoint."""
    checkpoints = "alignment/checkpoints/checkpoint-*"
    paths = [p for start in ("", "cycle_*/") for p in folder.glob(f"{start}{checkpoints}/{RUN}")]
    records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    records = [record for record in records if record["command"] == name]
    if not records:
        return None
    latest = max(records, key=lambda record: record["tries"])
    return {"id": latest["id"], "tries": latest["tries"]}


@contextmanager
def _argv_without_secrets() -> Iterator[None]:
    """Hide secrets in the command line, which wandb records."""
    arguments = sys.argv
    sys.argv = arguments_without_secrets(arguments)
    try:
        yield
    finally:
        sys.argv = arguments


def _mode(mode: str) -> Any:
    if mode != "auto":
        return mode
    asked = os.environ.get("WANDB_MODE")
    if asked or not in_sweep():
        return asked or ("online" if _has_key() else "disabled")
    return "online" if _has_key() else "offline"


def _has_key() -> bool:
    """Return whether wandb has a key: in the environment, or where `wandb login` puts it."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        return bool(host and netrc.netrc().authenticators(host))
    except (OSError, netrc.NetrcParseError):
        return False
