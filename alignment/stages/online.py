"""The online job: simulate and align in turn.

Each society is played by the model that was aligned on the interactions of the society before. The
paper simulates once; this job goes beyond it. A cycle has a folder with the stages of a run.
Complete stages are kept, so that an interrupted job is resumed in the middle of a cycle.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import Tokens
from social_sandbox.policies.registry import recipe
from social_sandbox.policies.society.account import Account, Budget, BudgetReached

from ..reporting import console as report
from ..reporting.tracking.config import EarlierCycles
from ..runtime.stage import Summary, is_complete, write_json
from .context import Context
from .handover import check_served, is_served, policy_of_cycle, try_server, write_adapter
from .inputs import read_json
from .preflight import preflight
from .settings import Settings
from .steps.alignment import Alignment, align
from .steps.evaluation import evaluate
from .steps.page import write_page_of
from .steps.simulation import simulate
from .steps.training_data import make_data


def run_online(context: Context) -> Summary:
    """Simulate, make data, align and evaluate `cycles` times; writes `cycles.json` and the page.

    The social agents of a cycle are played by the model of the cycle before, which is also the
    model that is aligned further. A running server is handed the cycle's adapter. Held-out results
    always compare with `base_model`. The seed of each cycle follows from the seed of the run. The
    budget is that of all societies together.

    Returns:
        `cycles`, a row for each cycle, and `figures`, the path of the figure.

    Raises:
        UserError: The social agents are not one model, a setting contradicts the job, or the server
            does not take adapters.
        BudgetReached: A simulation would cost more than the settings allow.
    """
    with context.locked():
        return _run_online(context)


def _run_online(context: Context) -> Summary:
    from ..reporting.figures import plot_cycles

    settings, console = context.settings, context.console
    _check_settings(settings)
    preflight(context, ["alignment", "evaluation"])
    if is_served(settings) and not _is_done(settings):
        try_server(settings)
    model, earlier, rows = settings.base_model, EarlierCycles(), []
    for cycle in range(settings.cycles):
        console.rule(f"cycle {cycle + 1} of {settings.cycles}")
        here = replace(
            context,
            settings=cycle_settings(settings, cycle, model, earlier),
            whole_dir=context.shared_dir,
            cycle=cycle,
            earlier=earlier,
        )
        was_complete = here.is_complete("alignment")
        try:
            simulation = simulate(here)
        except BudgetReached as error:
            if not earlier.account.by_policy:
                raise
            raise BudgetReached(f"{error}, which is what earlier cycles had left") from error
        alignment = align(here, make_data(here, simulation))
        earlier = _after_cycle(earlier, here.settings, simulation.summary, alignment)
        if not was_complete:
            _remove_later_cycles(settings, cycle)
        model = str(alignment.model)
        if is_served(settings):
            adapter = write_adapter(settings, cycle)
            console.print(f"  {adapter}", soft_wrap=True, highlight=False)
        compared = replace(here.settings, base_model=settings.base_model)
        evaluation = evaluate(replace(here, settings=compared), alignment)
        rows.append(cycle_row(cycle, model, simulation.summary, evaluation.summary))
        write_json(settings.output_dir / "cycles.json", rows)
    report.print_cycles(console, rows)
    figure = plot_cycles(settings.output_dir / "figures" / "cycles.png", rows)
    console.print(f"  {figure}", soft_wrap=True, highlight=False)
    write_page_of(context)
    return {"cycles": rows, "figures": [str(figure)]}


def _check_settings(settings: Settings) -> None:
    """Raise UserError for a setting that contradicts the job, or that the job itself decides."""
    if settings.population is not None or "model" not in settings.policy:
        raise UserError(
            "policy: online needs one model that plays, such as policy=huggingface or policy=openai"
        )
    if is_served(settings):
        check_served(settings)
    else:
        _check_local(settings)
    if settings.method.config.roles is not None:
        raise UserError("method.roles: online plays and aligns one model; align trains roles")
    if settings.interactions is not None or settings.groups is not None:
        setting = "interactions" if settings.groups is None else "groups"
        raise UserError(f"{setting}: online makes its own; give it to run or align")
    if not settings.data.takes_own_interactions:
        raise UserError("data.sources: online needs a source of kind interactions without a path")
    if settings.evaluate.model is not None:
        raise UserError("evaluate.model: online evaluates the model of each cycle")
    if settings.evaluate.benchmarks is not None:
        raise UserError(
            "evaluate.benchmarks: online asks the held-out questions alone; then "
            "social-sandbox evaluate model=OUTPUT_DIR/cycle_0/alignment/model benchmarks=NAMES"
        )


def _check_local(settings: Settings) -> None:
    """Raise UserError for a setting that contradicts the job with a model of this process."""
    if settings.policy["model"] not in (recipe("huggingface")["model"], settings.base_model):
        raise UserError(
            f"policy.model: online starts from base_model ({settings.base_model}); "
            f"base_model={settings.policy['model']} starts from another one"
        )
    if settings.policy.get("adapter") is not None:
        raise UserError(
            "policy.adapter: online aligns all weights of base_model, and plays without an adapter"
        )


def _is_done(settings: Settings) -> bool:
    """Return whether no society is left to be played."""
    return not settings.overwrite and all(
        is_complete(cycle_folder(settings, cycle) / "simulation")
        for cycle in range(settings.cycles)
    )


def cycle_settings(settings: Settings, cycle: int, model: str, earlier: EarlierCycles) -> Settings:
    """Return the settings of one cycle, whose social agents are played by `model`.

    A server plays it as the sum of the adapters up to it.
    """
    served = is_served(settings)
    policy = policy_of_cycle(settings, cycle) if served else {**settings.policy, "model": model}
    return replace(
        settings,
        seed=key(settings.seed, "cycle", cycle),
        output_dir=cycle_folder(settings, cycle),
        budget=_budget_left(settings, cycle, earlier),
        policy=dict(policy),
        base_model=model,
    )


def cycle_folder(settings: Settings, cycle: int) -> Path:
    """Return the folder that holds the stages of a cycle."""
    return settings.output_dir / f"cycle_{cycle}"


def cycle_row(cycle: int, model: str, simulation: Summary, evaluation: Summary) -> dict[str, Any]:
    """Return the results of a cycle: the ratings of its last round, and held-out results."""
    rounds = simulation["rounds"]
    return {
        "cycle": cycle,
        "model": model,
        "reward": simulation["mean_reward"],
        "society": rounds[list(rounds)[-1]],
        "held_out": evaluation["table"],
        "rating_scale": evaluation["rating_scale"],
    }


def _after_cycle(
    earlier: EarlierCycles, settings: Settings, simulation: Summary, alignment: Alignment
) -> EarlierCycles:
    """Return what all cycles have come to after one more."""
    spent = Account({name: Tokens(**costs) for name, costs in simulation["spent"].items()})
    reward_model = read_json(alignment.folder / "reward_model" / "log.json")
    reward_steps = reward_model["rows"][-1]["step"] if reward_model else 0
    return EarlierCycles(
        rounds=earlier.rounds + settings.env.n_rounds,
        interactions=earlier.interactions + simulation["interactions"],
        steps=earlier.steps + alignment.summary["steps"],
        reward_steps=earlier.reward_steps + reward_steps,
        account=earlier.account + spent,
    )


def _budget_left(settings: Settings, cycle: int, earlier: EarlierCycles) -> Budget:
    """Return the budget of a cycle's simulation; raise BudgetReached if nothing is left."""
    if is_complete(cycle_folder(settings, cycle) / "simulation"):
        return settings.budget
    earlier.account.check(settings.budget)
    spent, budget = earlier.account.total, settings.budget
    return Budget(
        tokens=budget.tokens and budget.tokens - spent.prompt - spent.completion,
        usd=budget.usd and budget.usd - spent.usd,
    )


def _remove_later_cycles(settings: Settings, cycle: int) -> None:
    """Remove the cycles that were played by another model than the one just aligned."""
    later = [cycle_folder(settings, number) for number in range(cycle + 1, settings.cycles)]
    stale = [folder for folder in later if folder.exists()]
    if stale and not settings.overwrite:
        raise UserError(
            f"output_dir: {stale[0]} was made after another cycle {cycle}; remove it, or "
            "overwrite=true to replace it"
        )
    for folder in stale:
        shutil.rmtree(folder)
