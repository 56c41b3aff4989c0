"""The stage of benchmarks: one model goes through them."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.adapt import as_policy
from social_sandbox.policies.policy import Policy

from ..runtime.stage import Summary, Work, file_hash, run_stage, weights_hash, write_json
from .identity import what_is_said
from .settings import Settings, build

if TYPE_CHECKING:
    from pathlib import Path

    from ..evaluation.benchmarks.items import Item
    from ..evaluation.benchmarks.run import Todo

OF_BENCHMARKS = (
    "benchmarks",
    "data_dir",
    "limit",
    "apply_chat_template",
    "benchmark_temperature",
    "against",
    "during",
    "during_steps",
)
"""Settings of `evaluate` that nothing else depends on."""


def benchmark_stage(settings: Settings, console: Console, model: str) -> Summary:
    """A model goes through benchmarks; writes `benchmarks/results.json`."""
    from ..evaluation.benchmarks.by_answer import Judge
    from ..evaluation.benchmarks.compare import read_evaluated
    from ..evaluation.benchmarks.run import (
        Judging,
        answered_by_both,
        chosen_benchmarks,
        pairs_for_judge,
        run_benchmarks,
        to_do,
    )

    config = settings.evaluate
    todo = to_do(chosen_benchmarks(config, console), config, console)
    other = None if config.against is None else read_evaluated(config.against, "evaluate.against")
    judged = other is not None or any(part.benchmark.answers == "rated" for part in todo)
    pairs = pairs_for_judge(config, console) if judged else []
    if other is not None and not answered_by_both(todo, other.answers):
        raise UserError(
            f"evaluate.against: {config.against} has no answer to an item of these benchmarks"
        )
    # A policy speaks as its own section says.
    speaks = settings.policy if model == "policy" else {}
    made_with: dict[str, Any] = {
        "model": what_is_said(settings.policy) if model == "policy" else model,
        "weights": _weights(settings, model),
        "judge": what_is_said(settings.observer),
        "benchmark_temperature": speaks.get("temperature", config.benchmark_temperature),
        "max_new_tokens": speaks.get("max_new_tokens", config.max_new_tokens),
        "dialogues": "whole",
        **{name: getattr(config, name) for name in ("seed", "apply_chat_template", "rating_scale")},
    }
    asked = {
        "benchmarks": list(dict.fromkeys(part.benchmark.name for part in todo)),
        "limit": config.limit,
        "items": _items_hash(todo, pairs),
        "against": other and file_hash(other.path),
        "against_name": other and other.name,
        "resamples": config.resamples,
    }

    def prepare() -> Work:
        policy = _policy(settings, model)
        judging = None
        if judged:
            judge = Judge(as_policy(build(settings.observer, "observer")), config.rating_scale)
            judging = Judging(judge, pairs, other.answers if other else {})

        def work(folder: "Path") -> Summary:
            told = made_with | asked
            results = run_benchmarks(
                todo, policy, judging, config, folder, console, told, settings.progress
            )
            write_json(folder / "results.json", {"model": model, **results})
            return results

        return work

    folder = settings.output_dir / "benchmarks"
    summary = run_stage(
        folder,
        made_with,
        prepare,
        overwrite=settings.overwrite,
        console=console,
        asked=asked,
        # What failed is asked again.
        wants_more=lambda told: bool(told.get("missing")),
    )
    console.print(f"  {folder}/results.md, .json, .png", soft_wrap=True, highlight=False)
    return summary


def during_training(settings: Settings, run: Any) -> list[Any]:
    """Callbacks of the Trainer that send figures of `evaluate.during` to a run; perhaps none.

    Raises UserError where one of these benchmarks is not by likelihood, or has no data.
    """
    config = settings.evaluate
    if not config.during:
        return []
    from ..evaluation.benchmarks.by_likelihood import import_harness
    from ..evaluation.benchmarks.callback import BenchmarkCallback
    from ..evaluation.benchmarks.loaders import load_items
    from ..evaluation.benchmarks.registry import find_benchmarks
    from ..reporting.wandb_rows import log_during

    import_harness()
    chosen = find_benchmarks(config.during, "evaluate.during")
    for benchmark in chosen:
        if benchmark.task is None:
            raise UserError(f"evaluate.during: {benchmark.name} is not scored by likelihood")
    items = [(b, load_items(b, config.data_dir, config.limit, config.seed)) for b in chosen]
    return [
        BenchmarkCallback(
            items,
            config.during_steps,
            partial(log_during, run, settings.output_dir / "alignment", settings.before),
            apply_chat_template=config.apply_chat_template,
            seed=config.seed,
        )
    ]


def _policy(settings: Settings, model: str) -> Policy:
    """The model that is measured, as it answers."""
    from social_sandbox.policies.huggingface.policy import HuggingFacePolicy

    if model == "policy":
        return as_policy(build(settings.policy, "policy"))
    config = settings.evaluate
    return HuggingFacePolicy(
        model,
        temperature=config.benchmark_temperature,
        max_new_tokens=config.max_new_tokens,
    )


def _weights(settings: Settings, model: str) -> Any:
    """What stands for the weights that are measured, those of an adapter included."""
    if model != "policy":
        return weights_hash(model)
    named = {name: settings.policy.get(name) for name in ("model", "adapter")}
    return {name: weights_hash(str(path)) for name, path in named.items() if path}


def _items_hash(todo: "Sequence[Todo]", pairs: "Sequence[Item]") -> str:
    """What stands for all that is asked."""
    asked = [(part.benchmark.name, part.part, [item.id for item in part.items]) for part in todo]
    told = [*asked, [item.id for item in pairs]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
