"""A model goes through benchmarks; results are kept as they come, and a stopped run goes on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from social_sandbox.envs.errors import UserError
from social_sandbox.policies.huggingface import HuggingFacePolicy
from social_sandbox.policies.policy import Policy

from ..evaluate import EvaluateConfig
from .answers import Judge, answer_items
from .benchmark import Benchmark, find_benchmarks, installed
from .figure import plot
from .items import ITEMS, Item, ItemResult, Part, append, drop_torn_line, read_results
from .judge import in_words, judge_accuracy
from .letters import choose_letters
from .likelihood import choose, harness_model, import_harness
from .loaders import find_file, load_items
from .results import aggregate
from .table import markdown, print_figures

RESULTS = "results"


@dataclass(frozen=True, slots=True)
class Todo:
    """One part of a benchmark, and the items that it is about."""

    benchmark: Benchmark
    part: Part
    items: Sequence[Item]


def chosen_benchmarks(config: EvaluateConfig, console: Console) -> list[Benchmark]:
    """What `evaluate.benchmarks` names; of `all` those that have a file in `evaluate.data_dir`.

    Raises UserError for a name that is none, and where no file is found.
    """
    import_harness()
    if config.benchmarks != "all":
        return find_benchmarks(config.benchmarks or ())
    everything = find_benchmarks(installed())
    if config.data_dir is None:
        return [benchmark for benchmark in everything if benchmark.hub]
    if not Path(config.data_dir).is_dir():
        raise UserError(f"evaluate.data_dir: no such folder: {config.data_dir}")
    found = [b for b in everything if find_file(b, config.data_dir)]
    for benchmark in everything:
        if benchmark not in found:
            line = f"  left out {benchmark.name}: no {benchmark.file}: {benchmark.how}"
            console.print(line, style="yellow", soft_wrap=True, markup=False, highlight=False)
    if not found:
        raise UserError(f"evaluate.data_dir: {config.data_dir} has no file of any benchmark")
    return found


def to_do(benchmarks: Sequence[Benchmark], config: EvaluateConfig) -> list[Todo]:
    """Every part of every benchmark, with its items. Raises UserError for what is wrong in them."""
    todo: list[Todo] = []
    for benchmark in benchmarks:
        items = load_items(benchmark, config.data_dir, config.limit, config.seed)
        if benchmark.task is not None:
            todo.append(Todo(benchmark, "choice", items))
        if benchmark.answers is not None:
            todo.append(Todo(benchmark, "answer", items))
    return todo


def run_benchmarks(
    todo: Sequence[Todo],
    policy: Policy,
    judge: Judge | None,
    config: EvaluateConfig,
    folder: Path,
    console: Console,
    progress: bool = True,
) -> dict[str, Any]:
    """Let a model choose and answer; writes items and results to the folder.

    Args:
        todo: see `to_do`.
        policy: the model. A local one chooses by likelihood, any other by letter.
        judge: rates answers; None where no benchmark has any rated.
        config: how.
        folder: has `items.jsonl`, whose items are not done again, and `results` as JSON, Markdown
            and a figure in the end.
        console: for the progress bar and the table.
        progress: whether there is a bar.

    Returns:
        What `results.json` holds: `benchmarks`, by benchmark and metric, and `judge`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ITEMS
    drop_torn_line(path)
    known = {(r.benchmark, r.part, r.item) for r in read_results(path)}
    with _bar(console, progress) as bar:
        everything = bar.add_task("", total=sum(len(part.items) for part in todo))
        for part in todo:
            named = f"{part.benchmark.name}: {part.part}"
            bar.update(everything, description=named)
            left = [i for i in part.items if (part.benchmark.name, part.part, i.id) not in known]
            bar.advance(everything, len(part.items) - len(left))
            for result in _results(part, left, policy, judge, config):
                append(path, [result])
                bar.advance(everything)
    benchmarks = list(dict.fromkeys(part.benchmark.name for part in todo))
    figures = aggregate(
        find_benchmarks(benchmarks), read_results(path), config.resamples, config.seed
    )
    judged = None
    if judge is not None:
        # Not those of the limit: a few pairs say little about a judge.
        (hh,) = find_benchmarks(["hh"])
        pairs = load_items(hh, config.data_dir, None, config.seed)
        judged = judge_accuracy(judge, pairs, config.resamples, config.seed)
    results = {"benchmarks": figures, "judge": judged}
    (folder / f"{RESULTS}.md").write_text(markdown(results), encoding="utf-8")
    plot(folder / f"{RESULTS}.png", {"": figures})
    print_figures(console, results)
    if judged:
        console.print(f"  {in_words(judged)}", markup=False, soft_wrap=True)
    return results


def _results(
    part: Todo,
    items: Sequence[Item],
    policy: Policy,
    judge: Judge | None,
    config: EvaluateConfig,
) -> Iterator[ItemResult]:
    if not items:
        return
    if part.part == "answer":
        yield from answer_items(part.benchmark, items, policy, judge, config.seed)
    elif isinstance(policy, HuggingFacePolicy):
        with policy.as_it_speaks() as model:
            lm = harness_model(model, policy.tokenizer)
            yield from choose(lm, part.benchmark, items, config.apply_chat_template)
    else:
        yield from choose_letters(part.benchmark, items, policy, config.seed)


def _bar(console: Console, progress: bool) -> Progress:
    return Progress(
        TextColumn("{task.description:<28}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not progress,
    )
