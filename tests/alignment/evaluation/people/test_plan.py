"""What raters are asked, and in which order."""

from collections import Counter
from dataclasses import replace

import pytest

from social_sandbox.alignment.data.study import Item, Study
from social_sandbox.alignment.evaluation.people.checks import CHECKS
from social_sandbox.alignment.evaluation.people.plan import pairs_of_models, plan

THREE = ("base", "aligned", "other")


def items(n: int, models: tuple[str, ...] = ("base", "aligned")) -> list[Item]:
    answers = {model: f"the answer of {model}" for model in models}
    return [Item(f"i{i}", "held_out", f"Question {i}?", "", 0, answers) for i in range(n)]


PAIRS = Study(("base", "aligned"), "pairs")


def test_all_raters_are_asked_the_same_in_orders_of_their_own() -> None:
    ann, bob = (plan(PAIRS, items(20), rater) for rater in ("Ann", "Bob"))
    main = [[task.id for task in tasks if task.role == "main"] for tasks in (ann, bob)]
    assert sorted(main[0]) == sorted(main[1])
    assert main[0] != main[1]
    assert plan(PAIRS, items(20), "Ann") == ann
    assert plan(replace(PAIRS, seed=1), items(20), "Ann") != ann


@pytest.mark.parametrize("n", [2, 7, 20, 51])
@pytest.mark.parametrize("rater", ["Ann", "Bob"])
def test_each_model_stands_as_often_on_the_left_as_on_the_right(n: int, rater: str) -> None:
    tasks = plan(PAIRS, items(n), rater)
    left = Counter(task.models[0] for task in tasks if task.role == "main")
    assert abs(left["base"] - left["aligned"]) <= 1
    assert sum(left.values()) == n


def test_several_models_are_compared_equally_often() -> None:
    study = Study(THREE, "pairs")
    couples = Counter(couple for _, couple in pairs_of_models(study, items(20, THREE)))
    assert len(couples) == 3
    assert max(couples.values()) - min(couples.values()) <= 1


def test_the_same_answer_twice_is_not_compared() -> None:
    same = [replace(item, answers={"base": "yes", "aligned": "yes "}) for item in items(3)]
    compared = pairs_of_models(PAIRS, [*same, *items(5)[3:]])
    assert {item.id for item, _ in compared} == {"i3", "i4"}
    assert plan(PAIRS, same, "Ann") == []


def test_repeats_come_later_with_their_sides_swapped() -> None:
    tasks = plan(replace(PAIRS, share_repeats=0.25), items(40), "Ann")
    repeats = [task for task in tasks if task.role == "repeat"]
    assert len(repeats) == 10
    for repeat in repeats:
        (first,) = (task for task in tasks if f"{task.id}/again" == repeat.id)
        assert repeat.models == first.models[::-1]
        assert tasks.index(repeat) - tasks.index(first) >= 20


def test_attention_checks_are_spread_evenly() -> None:
    tasks = plan(replace(PAIRS, share_checks=0.1, share_repeats=0), items(40), "Ann")
    places = [place for place, task in enumerate(tasks) if task.role == "check"]
    assert len(places) == 4
    assert all(place // 11 == number for number, place in enumerate(places))
    assert all(tasks[place].item in CHECKS for place in places)
    assert {tasks[place].models for place in places} <= {("good", "bad"), ("bad", "good")}


def test_shares_of_nothing_add_nothing() -> None:
    bare = replace(PAIRS, share_checks=0, share_repeats=0)
    assert {task.role for task in plan(bare, items(9), "Ann")} == {"main"}
    both = replace(bare, tasks="both")
    assert Counter(task.kind for task in plan(both, items(9), "Ann")) == {"pair": 9, "rating": 18}


def test_answers_to_the_same_question_are_rated_far_apart() -> None:
    study = Study(THREE, "ratings", share_checks=0, share_repeats=0)
    tasks = plan(study, items(10, THREE), "Ann")
    rounds = [tasks[:10], tasks[10:20], tasks[20:]]
    assert all(len({task.item for task in each}) == 10 for each in rounds)
    assert all(len({task.models for task in each}) > 1 for each in rounds)
    assert len({task.id for task in tasks}) == 30


def test_every_identifier_is_used_once() -> None:
    study = Study(THREE, "both", share_checks=0.5, share_repeats=0.5)
    tasks = plan(study, items(30, THREE), "Ann")
    assert len({task.id for task in tasks}) == len(tasks)
