"""The rows that are sent to a wandb run, each kind with its own step axis."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import ASPECTS, JUDGED, Tokens
from social_sandbox.envs.text.jsonl import OBJECT, read_jsonl, write_jsonl
from social_sandbox.policies.society.account import Account
from social_sandbox.policies.society.rollout import OnInteraction

from ...data.groups import RatedGroup
from ...evaluation.society import by_round, rating_scale, ratings_by_round
from ...runtime.processes import is_first
from .. import histograms
from .config import EarlierCycles
from .media import round_media
from .run import Run

TABLE_ROWS = 500
"""Most rows of answers that are sent."""


def live_costs(
    run: Run, seconds: float = 1.0, earlier: EarlierCycles | None = None
) -> OnInteraction | None:
    """Return a callback that sends the costs of a simulation while it runs; None without a run.

    Args:
        run: The wandb run, or None.
        seconds: Shortest time between two rows.
        earlier: Sums over the earlier cycles of this run.
    """
    send = live_sums(run, earlier)
    if send is None:
        return None
    interactions, last = 0, -seconds

    def count(_: Interaction, account: Account) -> None:
        nonlocal interactions, last
        interactions += 1
        if monotonic() - last >= seconds:
            last = monotonic()
            send(interactions, account)

    return count


def live_sums(
    run: Run, earlier: EarlierCycles | None = None
) -> Callable[[int, Account], None] | None:
    """Return what sends the number of interactions and their cost so far; None without a run.

    Args:
        run: The wandb run, or None.
        earlier: Sums over the earlier cycles of this run.
    """
    if run is None:
        return None
    before = earlier or EarlierCycles()

    def send(interactions: int, account: Account) -> None:
        costs = _costs(before.account + account)
        run.log({**costs, "spent/interactions": before.interactions + interactions})

    return send


def log_simulation(
    run: Run,
    interactions: Sequence[Interaction],
    summary: Mapping[str, Any],
    earlier: EarlierCycles | None = None,
) -> None:
    """Log ratings, histograms, rewards and media by round, and the costs of each policy.

    Args:
        run: The wandb run; None logs nothing.
        interactions: Interactions of the simulation.
        summary: Summary of the simulation, see `simulation_summary`.
        earlier: Sums over the earlier cycles of this run.
    """
    if run is None:
        return
    earlier = earlier or EarlierCycles()
    scale = rating_scale(interactions)
    of_rounds = by_round(interactions)
    for number, ratings in ratings_by_round(interactions).items():
        of_round = of_rounds[number]
        row: dict[str, Any] = {
            f"env/{aspect}_{judged}": ratings[judged][aspect]
            for judged in JUDGED
            for aspect in ASPECTS
        }
        row["env/reward"] = sum(interaction.reward for interaction in of_round) / len(of_round)
        for judged in JUDGED:
            for aspect in ASPECTS:
                values = [interaction.rating(aspect, judged) for interaction in of_round]
                row[f"env/ratings/{aspect}_{judged}"] = histogram(values, scale)
        present = {name: value for name, value in row.items() if value is not None}
        run.log({**present, **round_media(of_round), "env/round": earlier.rounds + number})
    account = Account({name: Tokens(**costs) for name, costs in summary["spent"].items()})
    total = earlier.interactions + summary["interactions"]
    shared = summary.get("shared_prefixes", {}).items()
    shares = {f"spent/{policy}/shared_prefixes": share for policy, share in shared}
    run.log({**_costs(earlier.account + account), **shares, "spent/interactions": total})


def log_data(run: Run, groups: Sequence[RatedGroup], cycle: int = 0) -> None:
    """Log the numbers of groups and the ratings of their candidates, by kind of group."""
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
    for kind, values in ratings.items():
        row[f"data/ratings/{kind}"] = histogram(values, scales[kind])
    present = {name: value for name, value in row.items() if value is not None}
    run.log({**present, "data/cycle": cycle})


def log_benchmarks(run: Run, estimates: Mapping[str, Mapping[str, Any]], cycle: int = 0) -> None:
    """Log each metric of each benchmark, with the ends of its interval."""
    if run is None:
        return
    row = {
        f"eval/{benchmark}/{metric}{suffix}": estimate[end]
        for benchmark, metrics in estimates.items()
        for metric, estimate in metrics.items()
        for end, suffix in (("mean", ""), ("low", "_low"), ("high", "_high"))
        if estimate[end] is not None
    }
    run.log({**row, "eval/cycle": cycle})


def log_safeguards(run: Run, findings: Sequence[Mapping[str, Any]], cycle: int = 0) -> None:
    """Log the difference of each safeguard with its interval, and whether the safeguard is held."""
    if run is None:
        return
    row: dict[str, Any] = {}
    for finding in findings:
        name = f"eval/safeguards/{finding['name']}"
        row[f"{name}/held"] = finding["held"]
        difference = finding["comparison"]["difference"] or {}
        row |= {f"{name}/difference_{end}": difference.get(end) for end in ("mean", "low", "high")}
    run.log({**row, "eval/cycle": cycle})


def log_during(
    run: Run,
    folder: Path,
    earlier: EarlierCycles,
    step: int,
    estimates: Mapping[str, Mapping[str, Any]],
) -> None:
    """Log benchmarks in the middle of training, as a row of `benchmarks.jsonl` and of the run.

    Only the first of several processes writes. A training that resumes from a checkpoint repeats
    steps, whose rows are replaced.

    Args:
        run: The wandb run; None writes the file alone.
        folder: Folder of `benchmarks.jsonl`.
        earlier: Sums over the earlier cycles of this run.
        step: Training step.
        estimates: Estimates by benchmark and metric.
    """
    if not is_first():
        return
    means = {
        f"{benchmark}/{metric}": estimate["mean"]
        for benchmark, metrics in estimates.items()
        for metric, estimate in metrics.items()
    }
    path = folder / "benchmarks.jsonl"
    recorded = read_jsonl(path, OBJECT, "benchmarks") if path.exists() else ()
    kept = [row for row in recorded if row["step"] < step]
    write_jsonl(path, [*kept, {"step": step, "benchmarks": estimates}], OBJECT)
    if run is not None:
        row = {f"train/benchmarks/{name}": mean for name, mean in means.items()}
        run.log({**row, "train/global_step": earlier.steps + step})


def log_training(run: Run, folder: Path, earlier: EarlierCycles) -> None:
    """Log the rows of a finished training from the files of its stage."""
    if run is None:
        return
    reward_model = folder / "reward_model" / "log.json"
    rows = []
    if reward_model.exists():
        rows += json.loads(reward_model.read_text(encoding="utf-8"))["rows"]
    rows += json.loads((folder / "log.json").read_text(encoding="utf-8"))
    for row in rows:
        logs = {name: value for name, value in row.items() if name != "step"}
        run.log(training_row(logs, row["step"], earlier))


def log_evaluation(
    run: Run,
    table: Mapping[str, Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
    words: Mapping[str, float],
    scale: int,
    cycle: int = 0,
) -> None:
    """Log held-out results with their intervals, histograms of ratings, and the answers.

    Args:
        run: The wandb run; None logs nothing.
        table: Comparison of the models as plain values, see `comparison.plain_table`.
        answers: Rows of `held_out.answer_rows`.
        words: Mean number of words of an answer, by model.
        scale: Highest rating.
        cycle: Cycle of an online run.
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
            values = [answer[name][aspect] for answer in answers]
            row[f"eval/ratings/{aspect}_{name}"] = histogram(values, scale)
    import wandb

    columns = [f"{name} {field}" for field in ("answer", *ASPECTS) for name in models]
    cells = [
        [answer[name][field] for field in ("answer", *ASPECTS) for name in models]
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
    """Return a histogram in the form that wandb draws; None where all ratings are missing."""
    import wandb

    counted = histograms.histogram(ratings, scale)
    return counted and wandb.Histogram(np_histogram=(counted.counts, counted.edges))


def training_row(logs: Mapping[str, Any], step: int, earlier: EarlierCycles) -> dict[str, Any]:
    """Return a row under the step axis of the model or, as rlhf trains one, the reward model."""
    of_reward = any(name.startswith("reward_model/") for name in logs)
    axis, first = ("reward_model", earlier.reward_steps) if of_reward else ("train", earlier.steps)
    row = {f"{axis}/{name.removeprefix('reward_model/')}": value for name, value in logs.items()}
    return {**row, f"{axis}/global_step": first + step}


def _costs(account: Account) -> dict[str, float]:
    return {
        f"spent/{policy}/{name}": cost
        for policy, tokens in account.by_policy.items()
        for name, cost in asdict(tokens).items()
    }
