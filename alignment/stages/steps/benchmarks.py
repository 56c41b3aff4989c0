"""The stage of benchmarks: one model is measured on them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.adapt import as_policy
from social_sandbox.policies.policy import Policy

from ...reporting.tracking import rows as wandb_rows
from ...runtime.recipes import recorded_recipe
from ...runtime.stage import Summary, Work, file_hash, weights_hash, write_json
from ..context import Context
from ..identity import model_hash
from ..inputs import input_hash, own_norms_of
from ..settings import Settings, build
from .alignment import Alignment, measured_model

if TYPE_CHECKING:
    from ...evaluation.benchmarks.items import Item
    from ...evaluation.benchmarks.measuring import Todo

SETTINGS_OF_BENCHMARKS = (
    "benchmarks",
    "safeguards",
    "data_dir",
    "limit",
    "norms",
    "other_kinds",
    "apply_chat_template",
    "benchmark_temperature",
    "against",
    "during",
    "during_steps",
)
"""Settings of `evaluate` that held-out results do not depend on."""


def benchmark(context: Context, alignment: Alignment | None = None) -> Summary:
    """Measure a model on `evaluate.benchmarks`; writes `benchmarks/results.json`.

    Args:
        context: The context of the run.
        alignment: The model; None: `evaluate.model`, or what the run aligned.

    Returns:
        The content of `results.json`, see `evaluation.benchmarks.run.run_benchmarks`.

    Raises:
        UserError: A benchmark has no data, or a setting is wrong.
    """
    from ...evaluation.benchmarks.by_answer import Judge
    from ...evaluation.benchmarks.measuring import Judging
    from ...evaluation.benchmarks.norms import norm_hashes
    from ...evaluation.benchmarks.results.compare import read_evaluated
    from ...evaluation.benchmarks.run import (
        answered_by_both,
        chosen_benchmarks,
        pairs_for_judge,
        run_benchmarks,
        to_do,
    )

    settings, console = context.settings, context.console
    config = settings.evaluate
    model = measured_model(context, alignment)
    benchmarks = chosen_benchmarks(config, console)
    norms = own_norms_of(settings) if any(b.answers == "norms" for b in benchmarks) else ()
    parts = to_do(benchmarks, config, console, norms)
    other = None if config.against is None else read_evaluated(config.against, "evaluate.against")
    judged = other is not None or any(part.benchmark.answers == "rated" for part in parts)
    pairs = pairs_for_judge(config, console) if judged else []
    if other is not None and not answered_by_both(parts, other.answers):
        raise UserError(
            f"evaluate.against: {config.against} has no answer to an item of these benchmarks"
        )
    # A policy samples as its own section says.
    sampling = settings.policy if model == "policy" else {}
    made_with: dict[str, Any] = {
        "model": recorded_recipe(settings.policy) if model == "policy" else model,
        "weights": _weights(settings, model),
        "judge": recorded_recipe(settings.observer),
        "benchmark_temperature": sampling.get("temperature", config.benchmark_temperature),
        "max_new_tokens": sampling.get("max_new_tokens", config.max_new_tokens),
        "dialogues": "whole",
        **{name: getattr(config, name) for name in ("seed", "apply_chat_template", "rating_scale")},
    }
    if settings.chat_template is not None and model != "policy":
        made_with["chat_template"] = input_hash(settings.chat_template, "chat_template")
    amount: dict[str, Any] = {
        "benchmarks": list(dict.fromkeys(part.benchmark.name for part in parts)),
        "limit": config.limit,
        "items": _items_hash(parts, pairs),
        "against": other and file_hash(other.path),
        "against_name": other and other.name,
        "resamples": config.resamples,
    }
    if norms:
        amount["norms"] = norm_hashes(norms)

    def prepare() -> Work[None]:
        policy = _policy(context, model)
        judging = None
        if judged:
            judge = Judge(as_policy(build(settings.observer, "observer")), config.rating_scale)
            judging = Judging(judge, pairs, other.answers if other else {})

        def work(folder: Path) -> tuple[Summary, None]:
            results = run_benchmarks(
                parts,
                policy,
                judging,
                config,
                folder,
                console,
                made_with | amount,
                bool(settings.progress),
            )
            write_json(folder / "results.json", {"model": model, **results})
            return results, None

        return work

    summary, _ = context.run_stage(
        "benchmarks",
        made_with,
        prepare,
        amount,
        # Requests that failed are repeated.
        wants_more=lambda summary: bool(summary.get("missing")),
    )
    folder = context.stage_folder("benchmarks")
    console.print(f"  {folder}/results.md, .json, .png", soft_wrap=True, highlight=False)
    with context.logged_once("benchmarks", [("model", Path(model))]) as run:
        wandb_rows.log_benchmarks(run, summary["benchmarks"], context.cycle)
    return summary


def _policy(context: Context, model: str) -> Policy:
    """Return the policy that gives the answers of the measured model."""
    from social_sandbox.policies.huggingface.policy import HuggingFacePolicy

    if model == "policy":
        return as_policy(build(context.settings.policy, "policy"))
    config = context.settings.evaluate
    return HuggingFacePolicy(
        model,
        temperature=config.benchmark_temperature,
        max_new_tokens=config.max_new_tokens,
        device=context.device,
        chat_template=context.settings.chat_template,
    )


def _weights(settings: Settings, model: str) -> Any:
    """Return hashes of the weights that are measured, those of an adapter included."""
    if model != "policy":
        return model_hash(model)
    paths = {name: settings.policy.get(name) for name in ("model", "adapter")}
    return {name: weights_hash(str(path)) for name, path in paths.items() if path}


def _items_hash(parts: "Sequence[Todo]", pairs: "Sequence[Item]") -> str:
    """Return a hash of all items that the model and the judge are given."""
    items = [(part.benchmark.name, part.part, [item.id for item in part.items]) for part in parts]
    return hashlib.sha256(json.dumps([*items, [item.id for item in pairs]]).encode()).hexdigest()
