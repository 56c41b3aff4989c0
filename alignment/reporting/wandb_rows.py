"""What a wandb run is told: every kind of row under the step axis of its own."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

import wandb
from transformers import TrainerCallback

from social_sandbox.envs.interactions import Interaction
from social_sandbox.envs.jsonl import OBJECT, read_jsonl, write_jsonl
from social_sandbox.envs.turns import ASPECTS, JUDGED, Tokens
from social_sandbox.policies.society.account import Account
from social_sandbox.policies.society.rollout import OnInteraction

from ..data.groups import RatedGroup
from ..evaluation.society import ratings_by_round
from ..runtime.processes import is_first
from ..runtime.stage import write_json
from . import histograms
from .figures import rating_scale
from .wandb_config import Before
from .wandb_run import RUN, Run, of_run

TABLE_ROWS = 500
"""At most so many rows of sample answers are sent."""


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
    earlier = read_jsonl(path, OBJECT, "benchmarks") if path.exists() else ()
    kept = [row for row in earlier if row["step"] < step]
    write_jsonl(path, [*kept, {"step": step, "benchmarks": figures}], OBJECT)
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
            write_json(checkpoint / RUN, of_run(self.run))


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
