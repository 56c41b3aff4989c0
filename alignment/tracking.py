"""Metrics to Weights & Biases; offline without a key, and not at all when disabled."""

import netrc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import wandb
from transformers import TrainerCallback

from social_sandbox.envs.interactions import Interaction
from social_sandbox.envs.turns import ASPECTS, JUDGED
from social_sandbox.policies.account import Account
from social_sandbox.policies.rollout import OnInteraction

from .figures import ratings_by_round
from .settings import WandbConfig

Run = Any
"""A wandb run, or None where tracking is disabled."""


@contextmanager
def tracked(config: WandbConfig, settings: Mapping[str, Any], folder: Path) -> Iterator[Run]:
    """A wandb run around a command; metrics have step axes of their own."""
    mode = config.mode
    if mode == "auto":
        mode = "online" if _has_key() else "offline"
    if mode == "disabled":
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    # Or it advertises another product wherever it sees the package openai.
    os.environ.setdefault("WANDB_DISABLE_WEAVE", "true")
    run = wandb.init(
        project=config.project,
        name=config.name,
        tags=list(config.tags),
        config=dict(settings),
        dir=folder,
        mode=mode,
        settings=wandb.Settings(silent=True, console="off"),
    )
    for prefix, step in {"env": "round", "train": "global_step", "eval": "cycle"}.items():
        run.define_metric(f"{prefix}/{step}")
        run.define_metric(f"{prefix}/*", step_metric=f"{prefix}/{step}")
    failed = True
    try:
        yield run
        failed = False
    finally:
        run.finish(exit_code=int(failed))


def live_costs(run: Run, seconds: float = 1.0) -> OnInteraction | None:
    """Sends the running account of a simulation, one row in so many seconds at most."""
    if run is None:
        return None
    last = -seconds

    def send(_: Interaction, account: Account) -> None:
        nonlocal last
        if monotonic() - last >= seconds:
            last = monotonic()
            run.log(_costs({name: asdict(t) for name, t in account.by_policy.items()}))

    return send


def log_simulation(
    run: Run, interactions: Sequence[Interaction], summary: Mapping[str, Any]
) -> None:
    """Mean ratings and rewards by round, and what each policy has cost."""
    if run is None:
        return
    for number, ratings in ratings_by_round(interactions).items():
        row = {
            f"env/{aspect}_{judged}": ratings[judged][aspect]
            for judged in JUDGED
            for aspect in ASPECTS
        }
        rewards = [done.reward for done in interactions if done.round == number]
        row["env/reward"] = sum(rewards) / len(rewards)
        present = {name: value for name, value in row.items() if value is not None}
        run.log({**present, "env/round": number})
    run.log(_costs(summary["spent"]))


def log_evaluation(run: Run, table: Mapping[str, Mapping[str, Any]]) -> None:
    """Held-out results, each with the ends of its interval."""
    if run is None:
        return
    row = {
        f"eval/{measure}/{column}{suffix}": estimate[end]
        for measure, columns in table.items()
        for column, estimate in columns.items()
        if estimate
        for end, suffix in (("mean", ""), ("low", "_low"), ("high", "_high"))
    }
    run.log({**row, "eval/cycle": 0})


class WandbMetrics(TrainerCallback):  # type: ignore[misc]
    """Sends the trainer's log to a run. The Trainer's own would flatten its whole config."""

    def __init__(self, run: Run) -> None:
        """`run` may be None: then nothing is sent."""
        self.run = run

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Send one row of metrics."""
        if self.run is not None and logs:
            row = {f"train/{name}": value for name, value in logs.items()}
            self.run.log({**row, "train/global_step": state.global_step})


def _costs(spent: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {
        f"spent/{policy}/{name}": cost
        for policy, costs in spent.items()
        for name, cost in costs.items()
    }


def _has_key() -> bool:
    """Whether wandb would find a key: in the environment, or where `wandb login` puts it."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        return bool(host and netrc.netrc().authenticators(host))
    except (OSError, netrc.NetrcParseError):
        return False
