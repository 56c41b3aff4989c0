"""The run of Weights & Biases around a command; offline without a key, and none when disabled.

What it is told is in `wandb_rows`.
"""

import json
import netrc
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import wandb
from wandb.sdk.lib.runid import generate_id

from social_sandbox.policies.society.account import BudgetReached

from ..runtime.processes import in_sweep, is_first
from ..runtime.secrets import without_secret, without_secrets
from ..runtime.signals import Terminated
from ..runtime.stage import extend_record, read_record, write_json
from .wandb_artifacts import PRODUCTS, describe, log_stage
from .wandb_config import LogModel, WandbConfig

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
"""Each kind of metric has a step axis of its own: prefix -> the metric that counts."""

RUNS = "wandb_runs.json"
"""In the output folder: the wandb run of each command, and how often it was begun."""

RUN = "wandb_run.json"
"""In a checkpoint: the wandb run that its training belongs to."""

KILLED = 255
"""The exit code by which wandb knows a run that was stopped from outside."""

_ROWS_OF_A_TRY = 1_000_000


@contextmanager
def tracked(
    folder: Path, wanted: WandbConfig, config: Mapping[str, Any], command: str, identity: str
) -> Iterator[Run]:
    """A wandb run around a command; the same command with the same settings goes on in it.

    Args:
        folder: the output folder of the command.
        wanted: where metrics go.
        config: the settings as plain values, which become the run's config under dotted names.
        command: becomes the run's job type.
        identity: a hash of all settings that the outcome depends on.
    """
    mode = _mode(wanted.mode)
    # Of several processes that train together, the first one speaks.
    if mode == "disabled" or not is_first():
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    # Or it advertises another product wherever it sees the package openai.
    os.environ.setdefault("WANDB_DISABLE_WEAVE", "true")
    # What an offline run has still to upload lies beside it, not in the user's home.
    os.environ["WANDB_DATA_DIR"] = str((folder / "wandb").resolve())
    known = _begin(folder, f"{command} {identity}")
    with _argv_without_secrets():
        run = wandb.init(
            # Inside a sweep these three are the sweep's.
            id=None if in_sweep() else known["id"],
            project=None if in_sweep() else wanted.project,
            entity=None if in_sweep() else wanted.entity,
            group=wanted.group or folder.name,
            job_type=command,
            name=wanted.name,
            tags=list(wanted.tags),
            config=flat(without_secrets(config)),
            dir=folder.resolve(),
            mode=mode,
            resume="allow",
            settings=wandb.Settings(silent=True, console="off"),
        )
    for prefix, step in AXES.items():
        run.define_metric(f"{prefix}/{step}")
        run.define_metric(f"{prefix}/*", step_metric=f"{prefix}/{step}")
    if run.offline and known["tries"] > 1:
        # Offline a run cannot be gone on with: every try counts its rows from 0, and rows of
        # one number would replace each other when all tries are synced into one run.
        run.log({"tries": known["tries"]}, step=(known["tries"] - 1) * _ROWS_OF_A_TRY)
    exit_code = 1
    try:
        yield run
        exit_code = 0
    except BudgetReached:
        # It did what it was told to.
        exit_code = 0
        raise
    except KeyboardInterrupt as stopped:
        exit_code = KILLED
        if isinstance(stopped, Terminated) and in_sweep():
            # The sweep hands the point out again; its folder is found by the settings.
            run.mark_preempting()
        raise
    finally:
        run.finish(exit_code=exit_code)
        for stage in PRODUCTS:
            # Those of an online run are in its cycles.
            for made in (folder / stage, *folder.glob(f"cycle_*/{stage}")):
                _is_sent(run, made)


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings under dotted names, as on the command line and in the keys of a sweep."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def is_logged(run: Run, folder: Path) -> bool:
    """Whether nothing of this folder's stage has to be sent: the run has it, or there is none."""
    return run is None or run.id in (read_record(folder) or {}).get("logged_to", ())


def log_files(
    run: Run, folder: Path, sources: Sequence[tuple[str, Path]], log_model: LogModel
) -> None:
    """Record what a stage made and read, and log it as artifacts."""
    described = describe(folder, sources)
    if not is_logged(run, folder):
        log_stage(run, described, log_model)
        extend_record(folder, {"logging_to": run.id})


def _is_sent(run: Run, folder: Path) -> None:
    """Only a run that was finished has everything; one that was killed is told again."""
    record = read_record(folder) or {}
    if record.get("logging_to") == run.id:
        sent = [*record.get("logged_to", ()), run.id]
        extend_record(folder, {"logged_to": sent, "logging_to": None})


def _begin(folder: Path, name: str) -> dict[str, Any]:
    """The wandb run of this command and these settings: `id`, and `tries` with this one."""
    path = folder / RUNS
    runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known = runs.get(name) or _in_checkpoint(folder, name) or {"id": generate_id(), "tries": 0}
    if in_sweep():
        known["id"] = os.environ.get("WANDB_RUN_ID", known["id"])
    known["tries"] += 1
    write_json(path, {**runs, name: known})
    return dict(known)


def of_run(run: Run) -> dict[str, Any]:
    """What a checkpoint has to know of its run, to go on in it where `wandb_runs.json` is gone."""
    runs = json.loads((Path(run.settings.root_dir) / RUNS).read_text(encoding="utf-8"))
    name = next(name for name, known in runs.items() if known["id"] == run.id)
    return {**runs[name], "project": run.project, "entity": run.entity, "command": name}


def _in_checkpoint(folder: Path, name: str) -> dict[str, Any] | None:
    """The run of this command and these settings as the latest checkpoint of it knows it."""
    checkpoints = "alignment/checkpoints/checkpoint-*"
    paths = [p for start in ("", "cycle_*/") for p in folder.glob(f"{start}{checkpoints}/{RUN}")]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    own = [known for known in found if known["command"] == name]
    if not own:
        return None
    latest = max(own, key=lambda known: known["tries"])
    return {"id": latest["id"], "tries": latest["tries"]}


@contextmanager
def _argv_without_secrets() -> Iterator[None]:
    """wandb records the command line."""
    before = sys.argv
    sys.argv = [without_secret(argument) for argument in before]
    try:
        yield
    finally:
        sys.argv = before


def _mode(mode: str) -> Any:
    if mode != "auto":
        return mode
    return os.environ.get("WANDB_MODE") or ("online" if _has_key() else "offline")


def _has_key() -> bool:
    """Whether wandb would find a key: in the environment, or where `wandb login` puts it."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        return bool(host and netrc.netrc().authenticators(host))
    except (OSError, netrc.NetrcParseError):
        return False
