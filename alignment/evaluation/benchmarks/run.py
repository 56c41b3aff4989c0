"""A model goes through benchmarks; results are kept as they come, and a stopped run goes on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.policy import Policy

from ..config import EvaluateConfig
from .by_answer import Judge, answer_items
from .by_letter import choose_letters
from .by_likelihood import choose, harness_model, import_harness
from .figure import plot
from .items import ITEMS, Item, ItemResult, Part, by_place, result_log
from .judge import LETTERS, RATINGS, ask_judge, draw_pairs, judge_accuracy
from .loaders import load_items
from .pairwise import compare_answers, only_rates, pairwise_figures
from .registry import Benchmark, find_benchmarks, installed
from .remarks import remarks
from .report import markdown, print_figures
from .results import PREFERRED, Figures, aggregate, by_judge
from .sources import find_file

RESULTS = "results"


@dataclass(frozen=True, slots=True)
class Todo:
    """One part of a benchmark, and the items that it is about."""

    benchmark: Benchmark
    part: Part
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Judging:
    """Who judges, and what else it is asked.

    Attributes:
        judge: who.
        pairs: replies of which people preferred one, see `pairs_for_judge`.
        against: another model's answers by benchmark and item; empty: there is no other one.
    """

    judge: Judge
    pairs: Sequence[Item]
    against: Mapping[tuple[str, str], str] = field(default_factory=dict)


Places = Mapping[tuple[str, Part, str], ItemResult]
"""See `items.by_place`."""


def chosen_benchmarks(config: EvaluateConfig, console: Console) -> list[Benchmark]:
    """What `evaluate.benchmarks` names; of `all` those that have a file in `evaluate.data_dir`.

    Raises UserError for a name that is none, and where no file is found.
    """
    import_harness()
    if config.benchmarks != "all":
        if not config.benchmarks:
            raise UserError("evaluate.benchmarks: name one at least, or all")
        return find_benchmarks(config.benchmarks)
    everything = find_benchmarks(installed())
    if config.data_dir is None:
        return [benchmark for benchmark in everything if benchmark.hub]
    if not Path(config.data_dir).is_dir():
        raise UserError(f"evaluate.data_dir: no such folder: {config.data_dir}")
    found = [b for b in everything if find_file(b, config.data_dir)]
    for benchmark in everything:
        if benchmark not in found:
            _warn(console, f"left out {benchmark.name}: no {benchmark.file}: {benchmark.how}")
    if not found:
        raise UserError(f"evaluate.data_dir: {config.data_dir} has no file of any benchmark")
    return found


def to_do(benchmarks: Sequence[Benchmark], config: EvaluateConfig, console: Console) -> list[Todo]:
    """Every part of every benchmark, with its items.

    Of `all` on the hub, what cannot be loaded is left out. Raises UserError for what is wrong.
    """
    todo: list[Todo] = []
    for benchmark in benchmarks:
        try:
            items = load_items(benchmark, config.data_dir, config.limit, config.seed)
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


def pairs_for_judge(config: EvaluateConfig, console: Console) -> list[Item]:
    """Pairs that tell how good a judge is; none, and a warning, where there is no data of `hh`."""
    (hh,) = find_benchmarks(["hh"])
    try:
        # Not those of the limit: a few pairs say little about a judge.
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
    """Let a model choose and answer, and a judge compare; writes items and results to the folder.

    Args:
        todo: see `to_do`.
        policy: the model. A local one chooses by likelihood, any other by letter.
        judging: None where no benchmark has any answers rated or compared.
        config: how.
        folder: has `items.jsonl`, whose items are not done again, and `results` as JSON, Markdown
            and a figure in the end.
        console: for the progress bar and the table.
        made_with: stands in the results.
        progress: whether there is a bar.

    Returns:
        What `results.json` holds: `benchmarks`, by benchmark and metric; `judge`, `pairwise`
        and `choices` (likelihood or letter) where there are such; `remarks`, in words;
        `missing`, how many results never came; and
        `unused`, the places in `items.jsonl` of what was asked for before and is not now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = result_log(folder / ITEMS)
    known = by_place(r for r in log.read() if not r.is_missing)
    everything = [*todo, *(_for_judge(todo, judging) if judging else ())]
    with _bar(console, progress) as bar:
        shown = bar.add_task("", total=sum(len(part.items) for part in everything))
        for part in everything:
            bar.update(shown, description=f"{part.benchmark.name}: {part.part}")
            left = [item for item in part.items if not _is_done(part, item, known, judging)]
            bar.advance(shown, len(part.items) - len(left))
            for result in _results(part, left, policy, judging, config, known):
                log.append([result])
                known |= by_place([result])
                bar.advance(shown)
    asked = [
        (part.benchmark.name, part.part, item.id) for part in everything for item in part.items
    ]
    used = [known[place] for place in asked if place in known]
    benchmarks = list({part.benchmark.name: part.benchmark for part in todo}.values())
    figures = aggregate(benchmarks, used, config.resamples, config.seed)
    judged = pairwise = None
    if judging is not None:
        judged = judge_accuracy(judging.judge, used, config.resamples, config.seed)
        pairwise = pairwise_figures(used, config.resamples, config.seed) or None
        _name_judge(figures, judged, only_rates(judging.judge))
    by_likelihood = isinstance(policy, HuggingFacePolicy)
    chosen = any(part.part == "choice" for part in todo)
    said = remarks(used)
    results = {
        "made_with": dict(made_with),
        "benchmarks": figures,
        "judge": judged,
        "pairwise": pairwise,
        "choices": ("likelihood" if by_likelihood else "letter") if chosen else None,
        "remarks": said,
        "missing": sum(result.is_missing for result in used),
        "unused": sorted(known.keys() - set(asked)),
    }
    (folder / f"{RESULTS}.md").write_text(markdown(results), encoding="utf-8")
    plot(folder / f"{RESULTS}.png", {"": figures})
    print_figures(console, results)
    for line in said:
        _warn(console, line)
    return results


def _for_judge(todo: Sequence[Todo], judging: Judging) -> Iterator[Todo]:
    """What a judge does beside rating answers."""
    (hh,) = find_benchmarks(["hh"])
    rates = only_rates(judging.judge) or any(part.benchmark.answers == "rated" for part in todo)
    if judging.against:
        yield from answered_by_both(todo, judging.against)
        if not only_rates(judging.judge):
            yield Todo(hh, "judge_letters", judging.pairs)
    if rates:
        yield Todo(hh, "judge", judging.pairs)


def answered_by_both(todo: Sequence[Todo], answers: Mapping[tuple[str, str], str]) -> list[Todo]:
    """The items that another model has answered, as parts in which a judge compares."""
    return [
        Todo(part.benchmark, "pairwise", both)
        for part in todo
        if part.part == "answer"
        and (both := [item for item in part.items if (part.benchmark.name, item.id) in answers])
    ]


def _is_done(part: Todo, item: Item, known: Places, judging: Judging | None) -> bool:
    done = known.get((part.benchmark.name, part.part, item.id))
    if done is None or part.part != "pairwise":
        return done is not None
    # The other model may be another one than before.
    assert judging is not None
    return bool(done.details["other"] == judging.against[part.benchmark.name, item.id])


def _results(
    part: Todo,
    items: Sequence[Item],
    policy: Policy,
    judging: Judging | None,
    config: EvaluateConfig,
    known: Places,
) -> Iterator[ItemResult]:
    name, judge = part.benchmark.name, judging.judge if judging else None
    if not items:
        return
    if part.part == "answer":
        yield from answer_items(part.benchmark, items, policy, judge, config.seed)
    elif part.part == "choice" and isinstance(policy, HuggingFacePolicy):
        with policy.as_it_speaks() as model:
            lm = harness_model(model, policy.tokenizer)
            yield from choose(lm, part.benchmark, items, config.apply_chat_template)
    elif part.part == "choice":
        yield from choose_letters(part.benchmark, items, policy, config.seed)
    elif part.part == "pairwise":
        assert judging is not None
        # What was not answered cannot be compared.
        found = (known[name, "answer", item.id] for item in items)
        ours = [result for result in found if "answer" in result.details]
        theirs = {item.id: judging.against[name, item.id] for item in items}
        yield from compare_answers(judging.judge, ours, theirs, config.seed)
    else:
        assert judge is not None
        yield from ask_judge(judge, items, part.part, config.seed)


def _name_judge(figures: Figures, judged: Mapping[str, Any], rates: bool) -> None:
    """Put beside each figure that a judge gave how good it is at what it did for it."""
    for metrics in figures.values():
        for metric, figure in metrics.items():
            if by_judge(metric):
                by_letter = metric == PREFERRED and not rates
                figure["judge"] = judged[LETTERS if by_letter else RATINGS]


def _warn(console: Console, line: str) -> None:
    console.print(f"  {line}", style="yellow", soft_wrap=True, markup=False, highlight=False)


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
