"""Checks of the settings before anything expensive: names, files, models and missing packages.

Each function checks what one stage will need. A stage checks itself before its work; the main job
and the online job check all of their stages before the first one.
"""

from collections.abc import Sequence
from pathlib import Path

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.terminal import Terminal

from ..data.formats.hh import read_pairs
from ..data.formats.rows import is_hub_id
from ..data.sources import source_files
from ..evaluation.benchmarks.registry import Benchmark, find_benchmarks
from ..evaluation.config import EvaluateConfig
from ..training.roles.config import check_roles
from .context import Context
from .inputs import base_tokenizer, check_readable, evaluation_questions, own_norms_of
from .settings import Settings, build
from .society.training import make_society


def preflight(context: Context, stages: Sequence[str]) -> None:
    """Check the settings of several stages, except those that are complete.

    Args:
        context: The context of the run.
        stages: Names of the folders of the stages.

    Raises:
        UserError: The first setting that is wrong, or the package that is missing.
    """
    for stage in stages:
        # A complete stage of benchmarks is resumed if more benchmarks are named.
        guards = stage == "evaluation" and context.settings.evaluate.safeguards
        repeated = context.settings.overwrite or stage == "benchmarks" or guards
        if repeated or not context.is_complete(stage):
            _CHECKS[stage](context.settings)


def check_data_sources(settings: Settings) -> None:
    """Raise UserError for a source of training data that cannot be read."""
    check_readable(settings.interactions, "interactions")
    # The interactions of this run may not exist yet.
    future = Path("interactions of this run")
    for _, file in source_files(settings.data.with_sources(), settings.interactions or future):
        if not is_hub_id(file) and file != str(future):
            check_readable(file, "data.sources")


def check_training(settings: Settings) -> None:
    """Raise UserError for a missing package, groups file, base model, template or observer."""
    check_readable(settings.groups, "groups")
    method = settings.method
    method.check_installed()
    if method.config.roles is not None:
        check_roles(method.config.roles, settings.env)
    check_base_model(settings)
    if method.asks_observer:
        build(settings.observer, "observer")
    if method.plays_society:
        method.check_society(make_society(settings))
    if settings.evaluate.during:
        _check_benchmark_data(benchmarks_during_training(settings.evaluate), settings.evaluate)


def check_base_model(settings: Settings) -> None:
    """Raise UserError unless the base model can be trained by the method, and saved.

    The weights of a model on the hub are not checked: they would have to be downloaded.
    """
    from social_sandbox.policies.huggingface.shared_model import check_model

    from ..training.weights.model_checks import check_fit

    tokenizer = base_tokenizer(settings)
    config = check_model(settings.base_model, "base_model", trained=True)
    check_fit(tokenizer, config, settings.method.config)


def check_evaluation(settings: Settings) -> None:
    """Raise UserError for a wrong model, observer, question file or file of pairs."""
    config = settings.evaluate
    check_held_out_model(config)
    check_measured_model(config)
    evaluation_questions(settings)
    if config.pairs is not None:
        read_pairs(config.pairs, "evaluate.pairs")
    if config.safeguards:
        from ..evaluation.benchmarks.by_likelihood import import_harness

        import_harness()
        _check_benchmark_data(find_benchmarks(config.safeguards, "evaluate.safeguards"), config)
    build(settings.observer, "observer")


def check_measured_model(config: EvaluateConfig) -> None:
    """Raise UserError for a model in `evaluate.model` that cannot be loaded or has no room."""
    from social_sandbox.policies.huggingface.capacity import check_positions
    from social_sandbox.policies.huggingface.shared_model import check_model
    from social_sandbox.policies.huggingface.smollm2 import model_name

    if config.model is None or config.model == "policy":
        return
    model = check_model(model_name(config.model), "evaluate.model")
    what = f"evaluate.max_new_tokens={config.max_new_tokens}"
    check_positions(model, config.max_new_tokens, what, "evaluate.model")


def check_held_out_model(config: EvaluateConfig) -> None:
    """Raise UserError for `evaluate.model=policy`: a policy has no likelihoods to compare."""
    if config.model == "policy":
        raise UserError(
            "evaluate.model=policy goes through benchmarks alone, for example "
            "benchmarks=[truthfulqa]; the held-out questions need a path, a hub id or embedded"
        )


def check_benchmarks(settings: Settings) -> None:
    """Raise UserError for an unknown benchmark, missing data, a wrong judge, or without lm-eval."""
    from ..evaluation.benchmarks.results.compare import read_evaluated
    from ..evaluation.benchmarks.run import chosen_benchmarks

    config = settings.evaluate
    if config.benchmarks is None:
        return
    # The stage itself prints which benchmarks are left out.
    benchmarks = chosen_benchmarks(config, Terminal(quiet=True))
    _check_benchmark_data(benchmarks, config)
    if any(benchmark.answers == "norms" for benchmark in benchmarks):
        own_norms_of(settings)
    check_measured_model(config)
    if config.against is not None:
        read_evaluated(config.against, "evaluate.against")
    build(settings.observer, "observer")


def benchmarks_during_training(config: EvaluateConfig) -> list[Benchmark]:
    """Return the benchmarks of `evaluate.during`.

    Raises:
        UserError: A benchmark does not exist or is not scored by likelihood, or lm-eval is missing.
    """
    from ..evaluation.benchmarks.by_likelihood import import_harness

    import_harness()
    benchmarks = find_benchmarks(config.during, "evaluate.during")
    for benchmark in benchmarks:
        if benchmark.task is None:
            raise UserError(f"evaluate.during: {benchmark.name} is not scored by likelihood")
    return benchmarks


def _check_benchmark_data(benchmarks: Sequence[Benchmark], config: EvaluateConfig) -> None:
    """Raise UserError for a benchmark without data; data sets of the hub are not downloaded."""
    from ..evaluation.benchmarks.loading.loaders import load_items
    from ..evaluation.benchmarks.loading.sources import read_benchmark

    for benchmark in benchmarks:
        if config.data_dir is None:
            read_benchmark(benchmark, None)
        else:
            load_items(benchmark, config.data_dir, config.limit, config.seed)


_CHECKS = {
    "data": check_data_sources,
    "alignment": check_training,
    "evaluation": check_evaluation,
    "benchmarks": check_benchmarks,
}
