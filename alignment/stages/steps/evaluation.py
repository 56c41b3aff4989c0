"""The stage of held-out results: the aligned model beside the base model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from rich.text import Text

from social_sandbox.envs.text.jsonl import write_objects
from social_sandbox.policies.adapt import as_policy
from social_sandbox.policies.norms.recipes import norms_of

from ...data.formats.hh import read_pairs
from ...data.formats.rows import is_hub_id
from ...evaluation.comparison import current_table
from ...reporting import console as report
from ...reporting.adherence import verdict_lines
from ...reporting.tracking import rows as wandb_rows
from ...runtime.recipes import recorded_recipe
from ...runtime.stage import Summary, Work, write_json
from ..context import Context
from ..identity import model_hash
from ..inputs import asked_questions, input_hash, read_rows
from ..preflight import check_held_out_model
from ..settings import build
from .alignment import Alignment, measured_model
from .benchmarks import SETTINGS_OF_BENCHMARKS
from .safeguards import guard

MAX_BATCH = 128
"""Most answers that are generated at once."""

_OF_RATINGS = ("rating_scale", "embedded_observer")
"""Settings of `evaluate` that the answers do not depend on."""

Rows = Sequence[Mapping[str, Any]]
"""A row for each question and sample, see `evaluation.held_out.answer_rows`."""


@dataclass(frozen=True)
class Evaluation:
    """Held-out results of the base and the aligned model.

    Attributes:
        folder: The folder of the stage.
        summary: The content of `results.json`.
        made: The answers, where this process evaluated the models.
        safeguards: The content of `safeguards/results.json`; None without `evaluate.safeguards`.
    """

    folder: Path
    summary: Summary
    made: Rows | None = None
    safeguards: Summary | None = None

    @cached_property
    def answers(self) -> Rows:
        """The rated answers; read from the file unless this process made them."""
        if self.made is not None:
            return self.made
        return read_rows(self.folder / "answers.jsonl", "output_dir")


def evaluate(context: Context, alignment: Alignment | None = None) -> Evaluation:
    """Compare the aligned with the base model; writes `evaluation/results.json`.

    Args:
        context: The context of the run.
        alignment: The aligned model; None: `evaluate.model`, or what the run aligned.

    Raises:
        UserError: `evaluate.model` is `policy`, which has no likelihoods; or a setting is wrong.
    """
    settings = context.settings
    model = measured_model(context, alignment)
    check_held_out_model(settings.evaluate)
    config = asdict(settings.evaluate)
    for other in ("model", "engagement_weight", "resamples", *SETTINGS_OF_BENCHMARKS):
        del config[other]
    # Output folders of versions without these settings do not record them.
    for name in ("embedded_observer", "answers_only", "n_questions"):
        if not config[name]:
            del config[name]
    measured_with = {
        "evaluate": config,
        "observer": recorded_recipe(settings.observer),
        "questions": input_hash(settings.evaluate.questions, "evaluate.questions"),
    }
    pairs = settings.evaluate.pairs
    if pairs is not None and not is_hub_id(pairs):
        measured_with["pairs"] = input_hash(pairs, "evaluate.pairs")
    if settings.chat_template is not None:
        measured_with["chat_template"] = input_hash(settings.chat_template, "chat_template")
    # What the answers and likelihoods depend on, before anybody rates them.
    answered_with = {name: value for name, value in measured_with.items() if name != "observer"} | {
        "evaluate": {n: v for n, v in config.items() if n not in _OF_RATINGS},
        "part": "answers",
    }
    made_with = measured_with | {
        "evaluate": {
            **config,
            "engagement_weight": settings.evaluate.engagement_weight,
            "resamples": settings.evaluate.resamples,
            "model": model,
        },
        "base_model": settings.base_model,
        "weights": model_hash(model),
    }

    def prepare() -> Work[Rows]:
        from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
        from social_sandbox.policies.value_model import ValueModelPolicy

        from ...evaluation.adherence import compare_adherence
        from ...evaluation.cache import measured_once
        from ...evaluation.comparison import compare, plain_table
        from ...evaluation.held_out import (
            HeldOutResults,
            answer_rows,
            answered,
            perplexity,
            rated,
            words_per_answer,
        )

        questions = asked_questions(settings)
        observer = as_policy(build(settings.observer, "observer"))
        norms = norms_of(settings.observer)
        preferences = read_pairs(pairs, "evaluate.pairs") if pairs else []
        embedded = ValueModelPolicy() if settings.evaluate.embedded_observer else None

        def answers_of(weights: str) -> HeldOutResults:
            policy = HuggingFacePolicy(
                weights,
                temperature=settings.evaluate.temperature,
                # All of the project's questions at once: a pass costs little more with more rows.
                max_batch=MAX_BATCH,
                device=context.device,
                # Both models: a difference of templates is no difference that training made.
                chat_template=settings.chat_template,
            )
            return answered(policy, questions, settings.evaluate, preferences)

        def results_of(name: str, weights: str) -> HeldOutResults:
            of_model = {"model": weights, "weights": model_hash(weights)}

            def ratings() -> HeldOutResults:
                # Another observer rates the same answers.
                made = measured_once(
                    context.shared_dir,
                    answered_with | of_model,
                    partial(answers_of, weights),
                    part="answers",
                )
                status.update(Text(f"evaluate: the {name} model's answers are rated"))
                return rated(made, questions, observer, settings.evaluate, embedded)

            text = Text(f"evaluate: {name} model answers {len(questions)} questions")
            with context.console.status(text) as status:
                return measured_once(context.shared_dir, measured_with | of_model, ratings)

        def work(folder: Path) -> tuple[Summary, Rows]:
            models = {"base": settings.base_model, "aligned": model}
            measured = {name: results_of(name, weights) for name, weights in models.items()}
            rows = answer_rows(questions, measured, norms)
            write_objects(folder / "answers.jsonl", rows)
            both = (measured["base"], measured["aligned"])
            table = compare(*both, settings.evaluate)
            followed = compare_adherence(questions, *both, norms, settings.evaluate)
            summary = {
                "questions": len(questions),
                "rating_scale": settings.evaluate.rating_scale,
                "table": plain_table(table),
                "norms": plain_table(followed),
                "words_per_answer": {n: words_per_answer(m) for n, m in measured.items()},
                "perplexity_of_good": {n: perplexity(m) for n, m in measured.items()},
            }
            write_json(folder / "results.json", summary)
            return summary, rows

        return work

    summary, rows = context.run_stage("evaluation", made_with, prepare)
    summary["table"] = current_table(summary["table"])
    evaluation = Evaluation(context.stage_folder("evaluation"), summary, rows)
    with context.logged_once("evaluation", [("model", Path(model))]) as run:
        if run is not None:
            wandb_rows.log_evaluation(
                run,
                summary["table"],
                evaluation.answers,
                summary["words_per_answer"],
                summary["rating_scale"],
                context.cycle,
            )
    report.print_evaluation(context.console, summary)
    report.print_answers(context.console, evaluation.answers, settings.evaluate.seed)
    report.print_verdicts(context.console, verdict_lines(summary))
    if settings.evaluate.safeguards:
        evaluation = replace(evaluation, safeguards=guard(context, model))
    return evaluation
