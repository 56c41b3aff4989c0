"""Go through items of benchmarks; results are recorded as they come, and none is made twice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.policy import Policy

from ..config import EvaluateConfig
from .by_answer import Judge, answer_items
from .by_letter import choose_letters
from .by_likelihood import choose, harness_model
from .items import ITEMS, Item, ItemResult, Part, Place, by_place, question_hash, result_log
from .judge import ask_judge
from .norms import counted_anew
from .pairwise import compare_answers
from .registry import Benchmark


@dataclass(frozen=True, slots=True)
class Todo:
    """One part of a benchmark with the items to go through."""

    benchmark: Benchmark
    part: Part
    items: Sequence[Item]

    def place(self, item: Item) -> Place:
        """Return the place of the item's result."""
        return self.benchmark.name, self.part, item.id


@dataclass(frozen=True, slots=True)
class Judging:
    """The judge of a model, with all that the judge compares.

    Attributes:
        judge: Judge to ask.
        pairs: Replies of which people preferred one, see `pairs_for_judge`.
        against: Another model's answers by benchmark and item; empty where there is no other model.
    """

    judge: Judge
    pairs: Sequence[Item]
    against: Mapping[tuple[str, str], str] = field(default_factory=dict)


Results = dict[Place, ItemResult]


def measured(
    parts: Sequence[Todo],
    policy: Policy,
    judging: Judging | None,
    config: EvaluateConfig,
    folder: Path,
    console: Console,
    progress: bool = True,
) -> Results:
    """Return the results of all items, of which `items.jsonl` may have some already.

    Args:
        parts: Parts of benchmarks; those that a judge has to go through come last.
        policy: The model. A local model chooses by likelihood, any other policy by letter.
        judging: The judge; None where no answers are rated or compared.
        config: Settings of the evaluation.
        folder: Folder of `items.jsonl`, which the caller has locked.
        console: Console for the progress bar.
        progress: Whether to show the progress bar.
    """
    log = result_log(folder / ITEMS)
    results = by_place(result for result in log.read() if not result.is_missing)
    with _bar(console, progress) as bar:
        task = bar.add_task("", total=sum(len(part.items) for part in parts))
        for part in parts:
            bar.update(task, description=f"{part.benchmark.name}: {part.part}")
            judges = judging is not None and part.part not in ("choice", "answer")
            who = judging.judge.policy.name if judging and judges else policy.name
            asked = {item.id: question_hash(item, who, config.seed) for item in part.items}
            left = [
                item
                for item in part.items
                if not _is_done(part, item, results, judging, asked[item.id])
            ]
            bar.advance(task, len(part.items) - len(left))
            undone = {item.id for item in left}
            for item in part.items:
                if item.id not in undone:
                    results[part.place(item)] = counted_anew(item, results[part.place(item)])
            for result in _new_results(part, left, policy, judging, config, results):
                result = replace(result, asked=asked[result.item])
                log.append([result])
                results[result.place] = result
                bar.advance(task)
    return results


def _is_done(part: Todo, item: Item, results: Results, judging: Judging | None, asked: str) -> bool:
    result = results.get(part.place(item))
    # Another model or another item of the same name, in a folder that a script uses again.
    if result is not None and result.asked not in ("", asked):
        return False
    if result is None or part.part != "pairwise":
        return result is not None
    # An earlier run may have compared the answer with that of a different model.
    assert judging is not None
    return bool(result.details["other"] == judging.against[part.benchmark.name, item.id])


def _new_results(
    part: Todo,
    items: Sequence[Item],
    policy: Policy,
    judging: Judging | None,
    config: EvaluateConfig,
    results: Results,
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
        answers = (results[name, "answer", item.id] for item in items)
        # An answer whose request failed cannot be compared.
        ours = [result for result in answers if "answer" in result.details]
        theirs = {item.id: judging.against[name, item.id] for item in items}
        yield from compare_answers(judging.judge, ours, theirs, config.seed)
    else:
        assert judge is not None
        yield from ask_judge(judge, items, part.part, config.seed)


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
