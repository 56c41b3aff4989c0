"""The record of what people judged."""

from dataclasses import replace
from pathlib import Path

import pytest

from social_sandbox.alignment.data.study import (
    Item,
    Judgement,
    Study,
    judgement_id,
    judgement_log,
    read_record,
    with_id,
    write_study,
)
from social_sandbox.envs.errors import UserError

ITEMS = [
    Item(f"item_{i}", "held_out", f"Question {i}?", "", 0, {"base": "no", "aligned": "yes"})
    for i in range(3)
]
STUDY = with_id(Study(("base", "aligned"), "pairs"), ITEMS)


def judgement(rater: str = "Ann", task: str = "pair/item_0", **fields: object) -> Judgement:
    values: dict[str, object] = {
        "study": STUDY.id,
        "kind": "pair",
        "role": "main",
        "item": "item_0",
        "models": ("base", "aligned"),
        "choice": "right",
        **fields,
    }
    return Judgement(judgement_id(rater, task), rater=rater, task=task, **values)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_study(tmp_path, STUDY, ITEMS)
    return tmp_path


def test_a_judgement_is_counted_once_and_the_first_counts(folder: Path) -> None:
    first, again = judgement(), replace(judgement(), choice="left")
    judgement_log(folder).append([first, again, judgement("Bob")], sync=True)
    record = read_record(folder)
    assert record.judgements == [first, judgement("Bob")]
    assert record.judgements[0].winner == "aligned"
    assert record.items["item_1"] == ITEMS[1]


def test_a_torn_last_line_is_left_out_and_replaced(folder: Path) -> None:
    log = judgement_log(folder)
    log.append([judgement()])
    with log.path.open("ab") as file:
        file.write(b'{"id": "torn')
    assert read_record(folder).judgements == [judgement()]
    log.append([judgement("Bob")], sync=True)
    assert read_record(folder).judgements == [judgement(), judgement("Bob")]


def test_a_damaged_line_is_named(folder: Path) -> None:
    judgement_log(folder).append([judgement()])
    with judgement_log(folder).path.open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(UserError, match=r"judgements\.jsonl, line 2: id: Field required"):
        read_record(folder)


def test_a_judgement_of_another_study_is_refused(folder: Path) -> None:
    judgement_log(folder).append([judgement(), replace(judgement("Bob"), study="other")])
    with pytest.raises(UserError, match="line 2, is of another study"):
        read_record(folder)


def test_items_that_were_changed_are_refused(folder: Path) -> None:
    write_study(folder, STUDY, [replace(ITEMS[0], answers={"base": "!"}), *ITEMS[1:]])
    with pytest.raises(UserError, match="was changed"):
        read_record(folder)


def test_a_folder_without_a_study_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="social-sandbox rate"):
        read_record(tmp_path / "people")


@pytest.mark.parametrize(
    ("fields", "passed"),
    [
        ({"role": "main"}, None),
        ({"models": ("bad", "good"), "choice": "right"}, True),
        ({"models": ("bad", "good"), "choice": "tie"}, False),
        ({"kind": "rating", "models": ("good",), "choice": None, "alignment": 5}, True),
        ({"kind": "rating", "models": ("good",), "choice": None, "alignment": 4}, False),
        ({"kind": "rating", "models": ("bad",), "choice": None, "alignment": 1}, True),
        ({"kind": "rating", "models": ("bad",), "choice": None, "alignment": 6}, False),
    ],
)
def test_an_attention_check_is_passed_or_not(fields: dict[str, object], passed: bool) -> None:
    assert judgement(**{"role": "check", **fields}).passed is passed
