"""Alternating: a society talks, a model is aligned on what it said and plays the next society.

Beyond the paper, which simulates once. A cycle is a folder with the stages of a run; what is
complete is kept, so that an interrupted run goes on in the middle of a cycle.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.seeding import key
from social_sandbox.envs.turns import Tokens
from social_sandbox.policies.society.account import Account, Budget, BudgetReached

from ..methods import method_name
from ..reporting import console as report
from ..reporting import wandb_run as tracking
from ..reporting.wandb_config import Before
from ..runtime.stage import Summary, is_complete, write_json
from ..training.method import Method
from .align import align_stage
from .context import read_json
from .data import data_stage
from .evaluate import held_out_stage
from .settings import Settings
from .simulate import simulate_stage


def online(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """`cycles` times simulate, data, align and evaluate; writes `cycles.json` and a figure.

    The social agents of a cycle are played by the model of the cycle before, which is also the
    one that is aligned further; held-out results are always beside `base_model`. Every cycle has
    a seed of its own that follows from the run's.

    The budget is of all societies together.

    Raises UserError where the social agents are not one local model, or for a setting that online
    decides itself; BudgetReached.
    """
    from ..reporting.figures import plot_cycles

    if settings.population is not None or "model" not in settings.policy:
        raise UserError("policy: online needs one local model, such as policy=huggingface")
    if "base_url" in settings.policy:
        raise UserError("policy: online aligns what it plays, and a model behind an API it cannot")
    if settings.interactions is not None or settings.groups is not None:
        given = "interactions" if settings.groups is None else "groups"
        raise UserError(f"{given}: online makes its own; give it to run or align")
    if not settings.data.takes_own_interactions:
        raise UserError("data.sources: online needs a source of kind interactions without a path")
    if not isinstance(settings.method, Method):
        raise UserError(f"method={method_name(settings.method)}: online trains the base model")
    if settings.evaluate.model is not None:
        raise UserError("evaluate.model: online evaluates the model of each cycle")
    if settings.evaluate.benchmarks is not None:
        raise UserError(
            "evaluate.benchmarks: online asks the held-out questions alone; then "
            "social-sandbox evaluate model=OUTPUT_DIR/cycle_0/alignment/model benchmarks=NAMES"
        )
    model, before, rows = settings.base_model, Before(), []
    for cycle in range(settings.cycles):
        console.rule(f"cycle {cycle + 1} of {settings.cycles}")
        now = of_cycle(settings, cycle, model, before)
        known = is_complete(now.output_dir / "alignment")
        try:
            simulated = simulate_stage(now, console, run)
        except BudgetReached as error:
            if not before.account.by_policy:
                raise
            raise BudgetReached(f"{error}, which is what earlier cycles had left") from error
        data_stage(now, console, run)
        aligned = align_stage(now, console, run)
        before = _go_on(before, now, simulated, aligned)
        if not known:
            _forget_later(settings, cycle)
        model = str(now.output_dir / "alignment" / "model")
        beside = replace(
            now,
            base_model=settings.base_model,
            evaluate=replace(settings.evaluate, model=model),
        )
        rows.append(row(cycle, model, simulated, held_out_stage(beside, console, run)))
        write_json(settings.output_dir / "cycles.json", rows)
    report.print_cycles(console, rows)
    figure = plot_cycles(settings.output_dir / "figures" / "cycles.png", rows)
    console.print(f"  {figure}", soft_wrap=True, highlight=False)
    return {"cycles": rows, "figures": [str(figure)]}


def of_cycle(settings: Settings, cycle: int, model: str, before: Before) -> Settings:
    """The settings of one cycle, whose agents are played by this model."""
    return replace(
        settings,
        cycle=cycle,
        before=before,
        seed=key(settings.seed, "cycle", cycle),
        output_dir=folder_of(settings, cycle),
        beside=settings.shared_dir,
        budget=_budget_left(settings, cycle, before),
        policy={**settings.policy, "model": model},
        base_model=model,
    )


def folder_of(settings: Settings, cycle: int) -> Path:
    """Where a cycle's stages are."""
    return settings.output_dir / f"cycle_{cycle}"


def row(cycle: int, model: str, simulated: Summary, evaluated: Summary) -> dict[str, Any]:
    """One cycle in figures: the society's ratings in its last round, and held-out results."""
    rounds = simulated["rounds"]
    return {
        "cycle": cycle,
        "model": model,
        "reward": simulated["mean_reward"],
        "society": rounds[list(rounds)[-1]],
        "held_out": evaluated["table"],
        "rating_scale": evaluated["rating_scale"],
    }


def _go_on(before: Before, now: Settings, simulated: Summary, aligned: Summary) -> Before:
    """What there is before the next cycle."""
    spent = Account({name: Tokens(**costs) for name, costs in simulated["spent"].items()})
    reward_model = read_json(now.output_dir / "alignment" / "reward_model" / "log.json")
    reward_steps = reward_model["rows"][-1]["step"] if reward_model else 0
    return Before(
        rounds=before.rounds + now.env.n_rounds,
        interactions=before.interactions + simulated["interactions"],
        steps=before.steps + aligned["steps"],
        reward_steps=before.reward_steps + reward_steps,
        account=before.account + spent,
    )


def _budget_left(settings: Settings, cycle: int, before: Before) -> Budget:
    """What a cycle's society may cost. Raises BudgetReached where there is nothing left for it."""
    if is_complete(folder_of(settings, cycle) / "simulation"):
        return settings.budget
    before.account.check(settings.budget)
    spent, budget = before.account.total, settings.budget
    return Budget(
        tokens=budget.tokens and budget.tokens - spent.prompt - spent.completion,
        usd=budget.usd and budget.usd - spent.usd,
    )


def _forget_later(settings: Settings, cycle: int) -> None:
    """Later cycles were played by another model than the one that has just been made."""
    later = [folder_of(settings, number) for number in range(cycle + 1, settings.cycles)]
    stale: Sequence[Path] = [folder for folder in later if folder.exists()]
    if stale and not settings.overwrite:
        raise UserError(
            f"output_dir: {stale[0]} was made after another cycle {cycle}; remove it, or "
            "overwrite=true to replace it"
        )
    for folder in stale:
        shutil.rmtree(folder)
