"""Run a model through benchmarks; results are recorded as they come, so that a run can resume."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.norms import Norm
from social_sandbox.policies.policy import Policy
from social_sandbox.policies.society.lock import locked

from ..config import EvaluateConfig
from .by_likelihood import import_harness
from .items import Item, Place
from .judge import LETTERS, RATINGS, draw_pairs, judge_accuracy
from .loading.loaders import load_items
from .loading.sources import find_file
from .measuring import Judging, Results, Todo, measured
from .norms import norm_items
from .pairwise import only_rates, pairwise_estimates
from .registry import Benchmark, find_benchmarks, with_data
from .results.estimates import PREFERRED, Estimates, aggregate, by_judge
from .results.figure import plot
from .results.remarks import remarks
from .results.report import markdown, print_estimates

RESULTS = "results"
"""Name of the files of results, without their endings."""


def chosen_benchmarks(config: EvaluateConfig, console: Console) -> list[Benchmark]:
    """Return the benchmarks that `evaluate.benchmarks` names.

    `all` means those that have a file in `evaluate.data_dir`, or without one those on the hub.

    Raises:
        UserError: A name is unknown, or no file is found.
    """
    import_harness()
    if config.benchmarks != "all":
        if not config.benchmarks:
            raise UserError("evaluate.benchmarks: name one at least, or all")
        return find_benchmarks(config.benchmarks)
    benchmarks = find_benchmarks(with_data())
    if config.data_dir is None:
        return [benchmark for benchmark in benchmarks if benchmark.hub]
    if not Path(config.data_dir).is_dir():
        raise UserError(f"evaluate.data_dir: no such folder: {config.data_dir}")
    present = [b for b in benchmarks if find_file(b, config.data_dir)]
    for benchmark in benchmarks:
        if benchmark not in present:
            _warn(console, f"left out {benchmark.name}: no {benchmark.file}: {benchmark.how}")
    if not present:
        raise UserError(f"evaluate.data_dir: {config.data_dir} has no file of any benchmark")
    return present


def to_do(
    benchmarks: Sequence[Benchmark],
    config: EvaluateConfig,
    console: Console,
    norms: Sequence[Norm] = (),
) -> list[Todo]:
    """Return the parts of the benchmarks with their items.

    Of `all` benchmarks on the hub, those that cannot be loaded are left out with a warning.

    Args:
        benchmarks: Benchmarks to run.
        config: Settings of the evaluation.
        console: Console for warnings.
        norms: Norms that the benchmark `norms` counts beside this project's.

    Raises:
        UserError: A benchmark cannot be loaded or is not in its format.
    """
    todo: list[Todo] = []
    for benchmark in benchmarks:
        try:
            items = _items_of(benchmark, config, norms)
        except UserError as error:
            if config.benchmarks != "all" or config.data_dir is not None:
                raise
            why = f"{error} (a gated data set needs a login: hf auth login)"
            _warn(console, f"left out {benchmark.name}: {why}")
            continue
        if benchmark.task is not None:
            todo.append(Todo(benchmark, "choice", items))
        if benchmark.answers is not None:
            todo.append(Todo(benchmark, "answer", items))
    if not todo:
        raise UserError("evaluate.benchmarks: none of all could be loaded from the hub")
    return todo


def _items_of(benchmark: Benchmark, config: EvaluateConfig, norms: Sequence[Norm]) -> list[Item]:
    if benchmark.answers == "norms":
        # Both prompts of a question are drawn together.
        items = list(norm_items(config.other_kinds, norms))
        return items if config.limit is None else items[: config.limit // 2 * 2]
    return load_items(benchmark, config.data_dir, config.limit, config.seed)


def pairs_for_judge(config: EvaluateConfig, console: Console) -> list[Item]:
    """Return pairs by which the accuracy of a judge is measured.

    Without data of `hh` the list is empty and a warning is printed.
    """
    (hh,) = find_benchmarks(["hh"])
    try:
        # evaluate.limit does not hold: a few pairs say little about a judge.
        return draw_pairs(load_items(hh, config.data_dir, None, config.seed), config.seed)
    except UserError as error:
        _warn(console, f"how good the judge is will not be known: {error}")
        return []


def run_benchmarks(
    todo: Sequence[Todo],
    policy: Policy,
    judging: Judging | None,
    config: EvaluateConfig,
    folder: Path,
    console: Console,
    made_with: Mapping[str, Any],
    progress: bool = True,
) -> dict[str, Any]:
    """Let a model choose and answer, and a judge rate and compare its answers.

    Args:
        todo: Parts of benchmarks, see `to_do`.
        policy: The model. A local model chooses by likelihood, any other policy by letter.
        judging: The judge; None where no answers are rated or compared.
        config: Settings of the evaluation.
        folder: Folder for `items.jsonl`, whose items are not repeated, and for the results as
            Markdown and as a figure.
        console: Console for progress, table and warnings.
        made_with: Settings that are recorded in the results.
        progress: Whether to show a progress bar.

    Returns:
        The contents of `results.json`: `made_with`; `benchmarks`, the estimates by benchmark and
        metric; `judge`, `pairwise` and `choices` (likelihood or letter), None where there are none;
        `remarks`, in words; `missing`, the number of requests that failed; and `unused`, the places
        in `items.jsonl` of results that the settings of this run do not ask for.
    """
    with locked(folder):
        parts = [*todo, *(_parts_for_judge(todo, judging) if judging else ())]
        results = measured(parts, policy, judging, config, folder, console, progress)
        places = [part.place(item) for part in parts for item in part.items]
        summary = _summary(todo, places, results, policy, judging, config, made_with)
        (folder / f"{RESULTS}.md").write_text(markdown(summary), encoding="utf-8")
        plot(folder / f"{RESULTS}.png", {"": summary["benchmarks"]})
        print_estimates(console, summary)
        for line in summary["remarks"]:
            _warn(console, line)
        return summary


def _summary(
    todo: Sequence[Todo],
    places: Sequence[Place],
    results: Results,
    policy: Policy,
    judging: Judging | None,
    config: EvaluateConfig,
    made_with: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the contents of `results.json`, see `run_benchmarks`."""
    used = [results[place] for place in places if place in results]
    benchmarks = list({part.benchmark.name: part.benchmark for part in todo}.values())
    estimates = aggregate(benchmarks, used, config.resamples, config.seed)
    accuracy = pairwise = None
    if judging is not None:
        accuracy = judge_accuracy(judging.judge, used, config.resamples, config.seed)
        pairwise = pairwise_estimates(used, config.resamples, config.seed) or None
        _add_judge_accuracy(estimates, accuracy, only_rates(judging.judge))
    way = "likelihood" if isinstance(policy, HuggingFacePolicy) else "letter"
    return {
        "made_with": dict(made_with),
        "benchmarks": estimates,
        "judge": accuracy,
        "pairwise": pairwise,
        "choices": way if any(part.part == "choice" for part in todo) else None,
        "remarks": remarks(used),
        "missing": sum(result.is_missing for result in used),
        "unused": sorted(results.keys() - set(places)),
    }


def _parts_for_judge(todo: Sequence[Todo], judging: Judging) -> Iterator[Todo]:
    """Yield the parts in which a judge compares answers, or its accuracy is measured."""
    (hh,) = find_benchmarks(["hh"])
    rates = only_rates(judging.judge) or any(part.benchmark.answers == "rated" for part in todo)
    if judging.against:
        yield from answered_by_both(todo, judging.against)
        if not only_rates(judging.judge):
            yield Todo(hh, "judge_letters", judging.pairs)
    if rates:
        yield Todo(hh, "judge", judging.pairs)


def answered_by_both(todo: Sequence[Todo], answers: Mapping[tuple[str, str], str]) -> list[Todo]:
    """Return the items that another model has answered, as parts in which a judge compares."""
    return [
        Todo(part.benchmark, "pairwise", both)
        for part in todo
        if part.part == "answer"
        and (both := [item for item in part.items if (part.benchmark.name, item.id) in answers])
    ]


def _add_judge_accuracy(estimates: Estimates, accuracy: Mapping[str, Any], rates: bool) -> None:
    """Add to each estimate from a judge's scores the judge's accuracy in that way of preferring."""
    for metrics in estimates.values():
        for metric, estimate in metrics.items():
            if by_judge(metric):
                by_letter = metric == PREFERRED and not rates
                estimate["judge"] = accuracy[LETTERS if by_letter else RATINGS]


def _warn(console: Console, line: str) -> None:
    console.print(f"  {line}", style="yellow", soft_wrap=True, markup=False, highlight=False)
