"""The stage of results: on held-out questions beside the base model, or on benchmarks."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.jsonl import write_objects
from social_sandbox.policies.adapt import as_policy
from social_sandbox.policies.huggingface.smollm2 import model_name

from ..data.formats.hh import read_pairs
from ..data.formats.rows import is_hub_id
from ..evaluation.comparison import current_table
from ..methods import method_name
from ..reporting import console as report
from ..reporting import wandb_rows
from ..reporting import wandb_run as tracking
from ..runtime.stage import Summary, Work, weights_hash, write_json
from ..training.method import Method
from .benchmark import OF_BENCHMARKS, benchmark_stage
from .context import input_hash, logged_once, output_of, read_lines, staged
from .identity import what_is_said
from .preflight import held_out
from .settings import Settings, build


def evaluate_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """The model goes through `evaluate.benchmarks`; without any, see `held_out_stage`."""
    if settings.evaluate.benchmarks is None:
        return held_out_stage(settings, console, run)
    model = _measured_model(settings)
    summary = benchmark_stage(settings, console, model)
    with logged_once(settings, "benchmarks", run, [("model", Path(model))]) as to:
        wandb_rows.log_benchmarks(to, summary["benchmarks"], settings.cycle)
    return summary


def held_out_stage(settings: Settings, console: Console, run: tracking.Run) -> Summary:
    """Compare the aligned with the base model; writes `evaluation/results.json`.

    Raises UserError for `evaluate.model=policy`: likelihoods need a model that is at hand.
    """
    model = _measured_model(settings)
    if model == "policy":
        raise UserError(
            "evaluate.model=policy goes through benchmarks alone, for example "
            "benchmarks=[truthfulqa]; the held-out questions need a path, a hub id or embedded"
        )
    answered_with = asdict(settings.evaluate)
    for other in ("model", "engagement_weight", "resamples", *OF_BENCHMARKS):
        del answered_with[other]
    measured_with = {
        "evaluate": answered_with,
        "observer": what_is_said(settings.observer),
        "questions": input_hash(settings.evaluate.questions, "evaluate.questions"),
    }
    pairs = settings.evaluate.pairs
    if pairs is not None and not is_hub_id(pairs):
        measured_with["pairs"] = input_hash(pairs, "evaluate.pairs")
    made_with = measured_with | {
        "evaluate": {k: v for k, v in asdict(settings.evaluate).items() if k not in OF_BENCHMARKS}
        | {"model": model},
        "base_model": settings.base_model,
        "weights": weights_hash(model),
    }

    def prepare() -> Work:
        from social_sandbox.policies.huggingface.policy import HuggingFacePolicy

        from ..evaluation.cache import measured_once
        from ..evaluation.comparison import compare, plain_table
        from ..evaluation.held_out import (
            HeldOutResults,
            answer_rows,
            measure,
            words_per_answer,
        )

        questions = held_out(settings)
        observer = as_policy(build(settings.observer, "observer"))
        choices = read_pairs(pairs, "evaluate.pairs") if pairs else []

        def answers_of(which: str) -> HeldOutResults:
            policy = HuggingFacePolicy(which, temperature=settings.evaluate.temperature)
            return measure(policy, questions, observer, settings.evaluate, choices)

        def work(folder: Path) -> Summary:
            measured = {}
            for name, which in {"base": settings.base_model, "aligned": model}.items():
                of_it = measured_with | {"model": which, "weights": weights_hash(which)}
                answering = partial(answers_of, which)
                with console.status(f"evaluate: {name} model answers {len(questions)} questions"):
                    measured[name] = measured_once(settings.shared_dir, of_it, answering)
            rows = answer_rows(questions, measured)
            write_objects(folder / "answers.jsonl", rows)
            table = compare(measured["base"], measured["aligned"], settings.evaluate)
            summary = {
                "questions": len(questions),
                "rating_scale": settings.evaluate.rating_scale,
                "table": plain_table(table),
                "words_per_answer": {n: words_per_answer(m) for n, m in measured.items()},
            }
            write_json(folder / "results.json", summary)
            return summary

        return work

    summary = staged(settings, console, "evaluation", made_with, prepare)
    summary["table"] = current_table(summary["table"])
    with logged_once(settings, "evaluation", run, [("model", Path(model))]) as to:
        answers = read_lines(settings.output_dir / "evaluation" / "answers.jsonl")
        wandb_rows.log_evaluation(
            to,
            summary["table"],
            answers,
            summary["words_per_answer"],
            summary["rating_scale"],
            settings.cycle,
        )
    report.print_evaluation(console, summary)
    return summary


def _measured_model(settings: Settings) -> str:
    """What is measured: the model that is named, or what the run aligned.

    Raises UserError where the run has aligned none.
    """
    if settings.evaluate.model is not None:
        return model_name(settings.evaluate.model)
    if not isinstance(settings.method, Method):
        raise UserError(
            f"method={method_name(settings.method)} trains an observer and no model that "
            "answers: evaluate.model names another one"
        )
    output_of(settings, "alignment", "model/config.json", "align")
    return str(settings.output_dir / "alignment" / "model")
