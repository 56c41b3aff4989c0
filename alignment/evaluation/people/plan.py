"""What a rater is asked, and in which order: drawn by seed, the same whenever it is asked for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from social_sandbox.envs.rules.seeding import generator, key

from ...data.study import BAD, GOOD, Item, Kind, Role, Study
from .checks import CHECKS


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that a rater judges; see `Judgement` for the fields.

    Attributes:
        id: The same for every rater who is asked the same.
        models: Whose answers are shown, from left to right.
    """

    id: str
    kind: Kind
    role: Role
    item: str
    models: tuple[str, ...]


def plan(study: Study, items: Sequence[Item], rater: str) -> list[Task]:
    """Return the tasks of a rater: pairs, then answers to rate.

    All raters are asked the same, each in an order of their own. Each model stands as often on the
    left as on the right of another one. A repeat comes about half of the tasks after the first
    time, a pair with its sides swapped. Attention checks are spread evenly.
    """
    tasks: list[Task] = []
    if study.tasks != "ratings":
        tasks += _with_extras(_pairs(study, items, rater), "pair", study, rater)
    if study.tasks != "pairs":
        tasks += _with_extras(_ratings(study, items, rater), "rating", study, rater)
    return tasks


def pairs_of_models(study: Study, items: Sequence[Item]) -> list[tuple[Item, tuple[str, str]]]:
    """Return each item with the two models that are compared on it, the same for all raters.

    Every two models are compared on the same number of items, as nearly as possible. Items to which
    both have given the same answer are left out.
    """
    order = sorted(items, key=lambda item: key(study.seed, "models", item.id))
    couples = list(combinations(study.models, 2))
    n: dict[tuple[str, str], int] = dict.fromkeys(couples, 0)
    chosen = []
    for item in order:
        different = [
            (first, second)
            for first, second in couples
            if item.answers[first].strip() != item.answers[second].strip()
        ]
        if different:
            couple = min(different, key=lambda each: n[each])
            n[couple] += 1
            chosen.append((item, couple))
    return chosen


def _pairs(study: Study, items: Sequence[Item], rater: str) -> list[Task]:
    by_couple: dict[tuple[str, str], list[Task]] = defaultdict(list)
    for item, couple in pairs_of_models(study, items):
        by_couple[couple].append(
            Task(f"pair/{item.id}/{'/'.join(couple)}", "pair", "main", item.id, couple)
        )
    tasks: list[Task] = []
    for couple, each in by_couple.items():
        # One half of the tasks, drawn anew for each rater, has the second model on the left.
        draw = generator(study.seed, "sides", rater, *couple)
        swapped = set(draw.permutation(len(each))[: (len(each) + int(draw.integers(2))) // 2])
        tasks += [_swapped(task) if i in swapped else task for i, task in enumerate(each)]
    return _shuffled(tasks, study.seed, "pairs", rater)


def _ratings(study: Study, items: Sequence[Item], rater: str) -> list[Task]:
    """Return the answers to rate, in as many rounds as there are models.

    Each round has one answer to each question, so that answers to the same one are far apart.
    """
    rounds: list[list[Task]] = [[] for _ in study.models]
    for item in items:
        models = generator(study.seed, "rounds", rater, item.id).permutation(list(study.models))
        for tasks, model in zip(rounds, map(str, models), strict=True):
            name = f"rating/{item.id}/{model}"
            tasks.append(Task(name, "rating", "main", item.id, (model,)))
    return [
        task
        for number, tasks in enumerate(rounds)
        for task in _shuffled(tasks, study.seed, "ratings", rater, number)
    ]


def _with_extras(tasks: Sequence[Task], kind: Kind, study: Study, rater: str) -> list[Task]:
    """Return tasks with repeats and attention checks between them."""
    n = len(tasks)
    if n == 0:
        return []
    draw = generator(study.seed, "extras", rater, kind)
    placed = [(float(place), task) for place, task in enumerate(tasks)]
    # From the first half, so that the second time is far from the first.
    first = draw.permutation((n + 1) // 2)[: _share(study.share_repeats, n)]
    for place in map(int, first):
        placed.append((place + n / 2 + float(draw.uniform(0.1, 0.9)), _repeated(tasks[place])))
    order, sides = draw.permutation(len(CHECKS)), draw.integers(2, size=len(CHECKS))
    checks = _checks(kind, order.tolist(), sides.tolist())[: _share(study.share_checks, n)]
    for number, check in enumerate(checks):
        placed.append(((number + float(draw.uniform(0.3, 0.9))) * n / len(checks), check))
    return [task for _, task in sorted(placed, key=lambda each: each[0])]


def _share(share: float, n: int) -> int:
    """Return a share of the tasks; one at least of any share, unless there are hardly any tasks."""
    return max(round(share * n), int(share > 0 and n >= 4))


def _checks(kind: Kind, order: Sequence[int], sides: Sequence[int]) -> list[Task]:
    tasks = []
    for place, (number, side) in enumerate(zip(order, sides, strict=True)):
        item = f"check_{number}"
        if kind == "pair":
            models: tuple[str, ...] = (GOOD, BAD) if side else (BAD, GOOD)
        else:
            # The bad ones first: a good one may only look like every other answer.
            models = (GOOD,) if place % 3 == 2 else (BAD,)
        tasks.append(Task(f"check/{kind}/{item}", kind, "check", item, models))
    return tasks


def _repeated(task: Task) -> Task:
    return Task(f"{task.id}/again", task.kind, "repeat", task.item, task.models[::-1])


def _swapped(task: Task) -> Task:
    return Task(task.id, task.kind, task.role, task.item, task.models[::-1])


def _shuffled(tasks: Sequence[Task], *draw: object) -> list[Task]:
    return [tasks[place] for place in generator("order", *draw).permutation(len(tasks))]
