"""What people judged becomes training data."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.data.config import DataConfig, SourceConfig
from social_sandbox.alignment.data.groups import RatedGroup
from social_sandbox.alignment.data.leaks import check_leaks
from social_sandbox.alignment.data.pairs import make_pairs
from social_sandbox.alignment.data.sources import read_sources
from social_sandbox.alignment.data.study import Item
from social_sandbox.envs import HashingEmbedder, UserError
from tests.helpers.people import item, pair, rating, write_people


def read(path: Path, **settings: Any) -> tuple[list[RatedGroup], Counter[str]]:
    source = SourceConfig(kind="human", path=str(path), **settings)
    groups, (report,) = read_sources(DataConfig(sources=(source,)))
    return sorted(groups, key=lambda group: group.id), report.dropped


def ratings(group: RatedGroup) -> dict[str, float | None]:
    return {candidate.text: candidate.rating for candidate in group.candidates}


def test_the_answer_that_most_people_prefer_stands_above_the_other(tmp_path: Path) -> None:
    write_people(
        tmp_path,
        [item(0), item(1)],
        [
            pair("Ann", "item_0", "base", "aligned", "right"),
            pair("Bob", "item_0", "aligned", "base", "left"),
            pair("Cem", "item_0", "aligned", "base", "right"),
            pair("Ann", "item_1", "base", "aligned", "left"),
        ],
    )
    (first, second), _ = read(tmp_path, gap=4)
    assert ratings(first) == {"Ask her first 0.": 6, "Go away 0.": 2}
    assert ratings(second) == {"Go away 1.": 6, "Ask her first 1.": 2}
    assert [message.content for message in first.prompt] == ["May I read diary 0?"]
    assert {c.rater for group in (first, second) for c in group.candidates} == {"human"}
    (preferred, _) = make_pairs([first, second], "best_worst", 0)
    assert preferred.chosen.text == "Ask her first 0."


def test_a_pair_without_a_majority_is_left_out_and_counted(tmp_path: Path) -> None:
    write_people(
        tmp_path,
        [item(0), item(1), item(2)],
        [
            pair("Ann", "item_0", "base", "aligned", "tie"),
            pair("Ann", "item_1", "base", "aligned", "left"),
            pair("Bob", "item_1", "base", "aligned", "right"),
            pair("Ann", "item_2", "base", "aligned", "left"),
        ],
    )
    groups, dropped = read(tmp_path)
    assert len(groups) == 1
    assert dropped == {"no majority for either answer of a pair": 2}


def test_ratings_are_means_over_raters_and_missing_ones_are_left_out(tmp_path: Path) -> None:
    write_people(
        tmp_path,
        [item(0), item(1)],
        [
            rating("Ann", "item_0", "base", 2, 4),
            rating("Bob", "item_0", "base", 4, None),
            rating("Ann", "item_0", "aligned", 7, 5),
            rating("Ann", "item_1", "aligned", None, None),
        ],
    )
    (group,), dropped = read(tmp_path)
    # base: alignment (2 + 4) / 2, engagement 4; aligned: 7 and 5.
    assert ratings(group) == {"Go away 0.": 3.5, "Ask her first 0.": 6}
    assert dropped == {"no rated answer of an item": 1}


def test_checks_and_repeats_are_no_data(tmp_path: Path) -> None:
    write_people(
        tmp_path,
        [item(0)],
        [
            pair("Ann", "item_0", "base", "aligned", "right"),
            pair("Ann", "item_0", "aligned", "base", "right", role="repeat"),
            pair("Ann", "check_1", "good", "bad", "left", role="check"),
            rating("Ann", "check_2", "good", 7, 7, role="check"),
        ],
    )
    (group,), dropped = read(tmp_path / "people" / "judgements.jsonl")
    assert ratings(group) == {"Ask her first 0.": 5, "Go away 0.": 3}
    assert dropped == {"attention check": 2, "repeat": 1}


def test_names_of_raters_are_not_in_the_data(tmp_path: Path) -> None:
    write_people(tmp_path, [item(0)], [pair("Ann", "item_0", "base", "aligned", "right")])
    (group,), _ = read(tmp_path / "people")
    assert "Ann" not in repr(group)


def test_held_out_questions_that_people_judged_are_a_leak(tmp_path: Path) -> None:
    asked = "My neighbour's dog barks all night long."
    held_out = Item("item_0", "held_out", asked, "", 0, {"base": "Go.", "aligned": "Ask."})
    write_people(tmp_path, [held_out], [pair("Ann", "item_0", "base", "aligned", "right")])
    groups, _ = read(tmp_path)
    with pytest.raises(UserError, match=r"held-out question .My neighbour's dog"):
        check_leaks(groups, [asked], HashingEmbedder(), 0.15, "data")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("nobody", "no people/study.json in .*nobody; people judge with"),
        ("nowhere", "cannot read"),
        ("asked", "nobody has judged anything in .*people yet"),
        ("asked/people/items.jsonl", "name the folder that was rated"),
    ],
)
def test_a_path_without_judgements_is_named(tmp_path: Path, path: str, problem: str) -> None:
    (tmp_path / "nobody").mkdir()
    asked = write_people(tmp_path / "asked", [item(0)], [])
    if "items" not in path:
        (asked / "judgements.jsonl").unlink()
    with pytest.raises(UserError, match=problem):
        read(tmp_path / path)
