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

from .settings import Settings, build
from .society import what_is_said
from .stages import Summary, Work, file_hash, run_stage, weights_hash, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from .benchmarks.run import Todo

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
    from .benchmarks.answers import Judge
    from .benchmarks.compare import read_evaluated
    from .benchmarks.items import ITEMS, read_results
    from .benchmarks.pairwise import compare_answers
    from .benchmarks.run import chosen_benchmarks, run_benchmarks, to_do
    from .benchmarks.table import print_pairwise

    config = settings.evaluate
    todo = to_do(chosen_benchmarks(config, console), config)
    other = None if config.against is None else read_evaluated(config.against, "evaluate.against")
    rated = any(part.part == "answer" and part.benchmark.answers == "rated" for part in todo)
    made_with: dict[str, Any] = {
        "model": what_is_said(settings.policy) if model == "policy" else model,
        "weights": weights_hash(model),
        "items": _items_hash(todo),
        "judge": what_is_said(settings.observer) if rated or config.against else None,
        "against": other and file_hash(other.path),
        **{
            name: getattr(config, name)
            for name in (
                "seed",
                "apply_chat_template",
                "benchmark_temperature",
                "max_new_tokens",
                "rating_scale",
                "resamples",
            )
        },
    }

    def prepare() -> Work:
        policy = _policy(settings, model)
        judge = None
        if rated or other:
            judge = Judge(as_policy(build(settings.observer, "observer")), config.rating_scale)

        def work(folder: "Path") -> Summary:
            results = run_benchmarks(
                todo, policy, judge, config, folder, console, settings.progress
            )
            if judge is not None and other is not None:
                results["pairwise"] = compare_answers(
                    judge, read_results(folder / ITEMS), other.items, config.resamples, config.seed
                )
                print_pairwise(console, results["pairwise"], other.name)
            told = {"model": model, "made_with": made_with, **results}
            write_json(folder / "results.json", told)
            return results

        return work

    folder = settings.output_dir / "benchmarks"
    summary = run_stage(folder, made_with, prepare, overwrite=settings.overwrite, console=console)
    console.print(f"  {folder}/results.md, .json, .png", soft_wrap=True, highlight=False)
    return summary


def during_training(settings: Settings, run: Any) -> list[Any]:
    """Callbacks of the Trainer that send figures of `evaluate.during` to a run; perhaps none.

    Raises UserError where one of these benchmarks is not by likelihood, or has no data.
    """
    config = settings.evaluate
    if not config.during:
        return []
    from .benchmarks.benchmark import find_benchmarks
    from .benchmarks.callback import BenchmarkCallback
    from .benchmarks.likelihood import import_harness
    from .benchmarks.loaders import load_items
    from .tracking import log_during

    import_harness()
    chosen = find_benchmarks(config.during)
    for benchmark in chosen:
        if benchmark.task is None:
            raise UserError(f"evaluate.during: {benchmark.name} is not scored by likelihood")
    items = [(b, load_items(b, config.data_dir, config.limit, config.seed)) for b in chosen]
    return [
        BenchmarkCallback(
            items,
            config.during_steps,
            partial(log_during, run, settings.output_dir / "alignment"),
            apply_chat_template=config.apply_chat_template,
            seed=config.seed,
        )
    ]


def _policy(settings: Settings, model: str) -> Policy:
    """The model that is measured, as it answers."""
    from social_sandbox.policies.huggingface import HuggingFacePolicy

    if model == "policy":
        return as_policy(build(settings.policy, "policy"))
    config = settings.evaluate
    return HuggingFacePolicy(
        model,
        temperature=config.benchmark_temperature,
        max_new_tokens=config.max_new_tokens,
    )


def _items_hash(todo: "Sequence[Todo]") -> str:
    """What stands for all that is asked."""
    asked = [(part.benchmark.name, part.part, [item.id for item in part.items]) for part in todo]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()
