"""Metrics to Weights & Biases; offline without a key, and not at all when disabled."""

import json
import netrc
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import wandb
from pydantic import TypeAdapter
from transformers import TrainerCallback
from wandb.sdk.lib.runid import generate_id

from social_sandbox.envs.interactions import Interaction
from social_sandbox.envs.jsonl import write_jsonl
from social_sandbox.envs.turns import ASPECTS, JUDGED, Tokens
from social_sandbox.policies.account import Account, BudgetReached
from social_sandbox.policies.rollout import OnInteraction

from . import histograms
from .figures import rating_scale, ratings_by_round
from .groups import RatedGroup
from .identity import settings_hash
from .lineage import PRODUCTS, describe, log_stage
from .processes import is_first
from .redact import without_secret, without_secrets
from .settings import Before, LogModel, Settings
from .stages import note, read_record, write_json
from .stopping import Terminated
from .sweeps import in_sweep

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

TABLE_ROWS = 500
"""At most so many rows of sample answers are sent."""

_ROWS_OF_A_TRY = 1_000_000


@contextmanager
def tracked(settings: Settings, config: Mapping[str, Any], command: str) -> Iterator[Run]:
    """A wandb run around a command; the same command with the same settings goes on in it.

    Args:
        settings: of the command.
        config: the same as plain values, which become the run's config under dotted names.
        command: becomes the run's job type.
    """
    wanted = settings.wandb
    mode = _mode(wanted.mode)
    # Of several processes that train together, the first one speaks.
    if mode == "disabled" or os.environ.get("RANK", "0") != "0":
        yield None
        return
    folder = settings.output_dir
    folder.mkdir(parents=True, exist_ok=True)
    # Or it advertises another product wherever it sees the package openai.
    os.environ.setdefault("WANDB_DISABLE_WEAVE", "true")
    # What an offline run has still to upload lies beside it, not in the user's home.
    os.environ["WANDB_DATA_DIR"] = str((folder / "wandb").resolve())
    known = _begin(folder, f"{command} {settings_hash(settings)}")
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
        note(folder, {"logging_to": run.id})


def live_costs(
    run: Run, seconds: float = 1.0, before: Before | None = None
) -> OnInteraction | None:
    """Sends the running account of a simulation, one row in so many seconds at most.

    `before`: other simulations of this run.
    """
    if run is None:
        return None
    before = before or Before()
    done, last = before.interactions, -seconds

    def send(_: Interaction, account: Account) -> None:
        nonlocal done, last
        done += 1
        if monotonic() - last >= seconds:
            last = monotonic()
            run.log({**_costs(before.account + account), "spent/interactions": done})

    return send


def log_observer(run: Run, summary: Mapping[str, Any]) -> None:
    """How often a trained observer is right."""
    if run is not None:
        for name, share in summary["accuracy"].items():
            run.summary[f"observer/{name}"] = share["mean"]


def log_simulation(
    run: Run,
    interactions: Sequence[Interaction],
    summary: Mapping[str, Any],
    before: Before | None = None,
) -> None:
    """Mean ratings, their histograms and rewards by round, and what each policy has cost.

    `before`: other simulations of this run.
    """
    if run is None:
        return
    before = before or Before()
    scale = rating_scale(interactions)
    for number, ratings in ratings_by_round(interactions).items():
        done = [interaction for interaction in interactions if interaction.round == number]
        row: dict[str, Any] = {
            f"env/{aspect}_{judged}": ratings[judged][aspect]
            for judged in JUDGED
            for aspect in ASPECTS
        }
        row["env/reward"] = sum(interaction.reward for interaction in done) / len(done)
        for judged in JUDGED:
            for aspect in ASPECTS:
                given = [interaction.rating(aspect, judged) for interaction in done]
                row[f"env/ratings/{aspect}_{judged}"] = histogram(given, scale)
        present = {name: value for name, value in row.items() if value is not None}
        run.log({**present, "env/round": before.rounds + number})
    account = Account({name: Tokens(**costs) for name, costs in summary["spent"].items()})
    done = before.interactions + summary["interactions"]
    run.log({**_costs(before.account + account), "spent/interactions": done})


def log_data(run: Run, groups: Sequence[RatedGroup], cycle: int = 0) -> None:
    """How the candidates of the training data are rated, by kind of group."""
    if run is None:
        return
    ratings: dict[str, list[float | None]] = defaultdict(list)
    scales: dict[str, int] = {}
    for group in groups:
        ratings[group.kind] += [candidate.rating for candidate in group.candidates]
        scales[group.kind] = max(group.rating_scale, scales.get(group.kind, 0))
    row: dict[str, Any] = {f"data/groups/{kind}": 0 for kind in ratings}
    for group in groups:
        row[f"data/groups/{group.kind}"] += 1
    for kind, given in ratings.items():
        row[f"data/ratings/{kind}"] = histogram(given, scales[kind])
    present = {name: value for name, value in row.items() if value is not None}
    run.log({**present, "data/cycle": cycle})


def log_benchmarks(run: Run, figures: Mapping[str, Mapping[str, Any]], cycle: int = 0) -> None:
    """Every metric of every benchmark, with the ends of its interval."""
    if run is None:
        return
    row = {
        f"eval/{benchmark}/{metric}{suffix}": figure[end]
        for benchmark, metrics in figures.items()
        for metric, figure in metrics.items()
        for end, suffix in (("mean", ""), ("low", "_low"), ("high", "_high"))
        if figure[end] is not None
    }
    run.log({**row, "eval/cycle": cycle})


_ROW = TypeAdapter(dict[str, Any])


def log_during(
    run: Run,
    folder: Path,
    before: Before,
    step: int,
    figures: Mapping[str, Mapping[str, Any]],
) -> None:
    """Benchmarks in the middle of training: a row of `benchmarks.jsonl`, and of the run.

    Of several processes the first one writes. A training that goes on from a checkpoint comes to
    the same steps again: their rows are replaced.
    """
    if not is_first():
        return
    means = {
        f"{benchmark}/{metric}": figure["mean"]
        for benchmark, metrics in figures.items()
        for metric, figure in metrics.items()
    }
    path = folder / "benchmarks.jsonl"
    earlier = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [told for told in map(json.loads, earlier) if told["step"] < step]
    write_jsonl(path, [*kept, {"step": step, "benchmarks": figures}], _ROW)
    if run is not None:
        row = {f"train/benchmarks/{name}": mean for name, mean in means.items()}
        run.log({**row, "train/global_step": before.steps + step})


def log_training(run: Run, folder: Path, before: Before) -> None:
    """The rows of a training that another run has seen, or none, from the files of its stage."""
    if run is None:
        return
    reward_model = folder / "reward_model" / "log.json"
    rows = []
    if reward_model.exists():
        rows += json.loads(reward_model.read_text(encoding="utf-8"))["rows"]
    rows += json.loads((folder / "log.json").read_text(encoding="utf-8"))
    for row in rows:
        logs = {name: value for name, value in row.items() if name != "step"}
        run.log(_training_row(logs, row["step"], before))


def log_evaluation(
    run: Run,
    table: Mapping[str, Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
    words: Mapping[str, float],
    scale: int,
    cycle: int = 0,
) -> None:
    """Held-out results with the ends of their intervals, ratings, and the answers themselves.

    Args:
        run: where to; None: nowhere.
        table: of `evaluate.compare`, as plain values.
        answers: of `evaluate.answer_rows`: question, and answer and ratings by model.
        words: in an answer of each model.
        scale: the highest rating.
        cycle: which evaluation of this run it is.
    """
    if run is None:
        return
    row: dict[str, Any] = {
        f"eval/{measure}/{column}{suffix}": estimate[end]
        for measure, columns in table.items()
        for column, estimate in columns.items()
        if estimate
        for end, suffix in (("mean", ""), ("low", "_low"), ("high", "_high"))
    }
    row |= {f"eval/words_per_answer/{name}": mean for name, mean in words.items()}
    models = [name for name, value in answers[0].items() if isinstance(value, Mapping)]
    for name in models:
        for aspect in ASPECTS:
            given = [answer[name][aspect] for answer in answers]
            row[f"eval/ratings/{aspect}_{name}"] = histogram(given, scale)
    columns = [f"{name} {what}" for what in ("answer", *ASPECTS) for name in models]
    cells = [
        [answer[name][what] for what in ("answer", *ASPECTS) for name in models]
        for answer in answers[:TABLE_ROWS]
    ]
    row["eval/answers"] = wandb.Table(
        columns=["question", "kind", "sample", *columns],
        data=[
            [answer["question"], answer["kind"], answer["sample"], *values]
            for answer, values in zip(answers, cells, strict=False)
        ],
    )
    present = {name: value for name, value in row.items() if value is not None}
    run.log({**present, "eval/cycle": cycle})


def histogram(ratings: Sequence[float | None], scale: int) -> Any:
    """`histograms.histogram` as wandb draws it; None where no rating was given."""
    counted = histograms.histogram(ratings, scale)
    return counted and wandb.Histogram(np_histogram=(counted.counts, counted.edges))


class WandbMetrics(TrainerCallback):  # type: ignore[misc]
    """Sends the trainer's log to a run, and tells each checkpoint which run that is.

    The Trainer's own would flatten its whole config.
    """

    def __init__(self, run: Run, before: Before | None = None) -> None:
        """`run` may be None: then nothing is sent. `before`: other trainings of this run."""
        self.run, self.before = run, before or Before()
        self.sent = False
        """Whether anything was."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Send one row of metrics."""
        if self.run is not None and logs:
            self.run.log(_training_row(logs, state.global_step, self.before))
            self.sent = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write `wandb_run.json` into the checkpoint."""
        if self.run is not None:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            write_json(checkpoint / RUN, _of_run(self.run))


def _training_row(logs: Mapping[str, Any], step: int, before: Before) -> dict[str, Any]:
    """A row of a training under its own step axis: rlhf trains a reward model first."""
    of_reward = any(name.startswith("reward_model/") for name in logs)
    axis, first = ("reward_model", before.reward_steps) if of_reward else ("train", before.steps)
    row = {f"{axis}/{name.removeprefix('reward_model/')}": value for name, value in logs.items()}
    return {**row, f"{axis}/global_step": first + step}


def _costs(account: Account) -> dict[str, float]:
    return {
        f"spent/{policy}/{name}": cost
        for policy, tokens in account.by_policy.items()
        for name, cost in asdict(tokens).items()
    }


def _is_sent(run: Run, folder: Path) -> None:
    """Only a run that was finished has everything; one that was killed is told again."""
    record = read_record(folder) or {}
    if record.get("logging_to") == run.id:
        sent = [*record.get("logged_to", ()), run.id]
        note(folder, {"logged_to": sent, "logging_to": None})


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


def _of_run(run: Run) -> dict[str, Any]:
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
