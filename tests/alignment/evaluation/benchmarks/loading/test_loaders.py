"""What files and the hub's columns become."""

import json
from pathlib import Path

import pytest

from social_sandbox.alignment.evaluation.benchmarks.loading.loaders import LOADERS, load_items
from social_sandbox.alignment.evaluation.benchmarks.registry import find_benchmarks, with_data
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.messages import Message
from tests.helpers import benchmark_files as fixtures


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return fixtures.write(tmp_path / "data")


def items(name: str, data: Path, limit: int | None = None, seed: int = 0):
    (benchmark,) = find_benchmarks([name])
    return load_items(benchmark, str(data), limit, seed)


def of_hub(loader: str, *rows: dict):
    return list(LOADERS[loader]((f"row {n}", row) for n, row in enumerate(rows)))


@pytest.mark.parametrize("name", with_data())
def test_every_benchmark_reads_its_file_and_names_items_apart(name: str, data: Path) -> None:
    loaded = items(name, data)
    assert loaded
    assert len({item.id for item in loaded}) == len(loaded)
    assert loaded == items(name, data)
    for item in loaded:
        assert len(item.choices) == len(item.labels)
        assert not item.choices or 1 in item.labels


def test_right_choices_do_not_stand_first(data: Path) -> None:
    for name in ("hh", "moral_stories", "truthfulqa", "hhh"):
        assert len({item.labels.index(1) for item in items(name, data)}) > 1, name


@pytest.mark.parametrize("name", ["hh", "hh_adversarial", "moral_stories", "hhh", "mic"])
def test_right_choices_stand_in_every_place_equally_often(name: str, data: Path) -> None:
    loaded = items(name, data)
    n = len(loaded[0].choices)
    counts = [sum(item.labels.index(1) == at for item in loaded) for at in range(n)]
    assert max(counts) - min(counts) <= len(loaded) % n


def test_both_places_of_mc1_and_mc2_move_with_the_right_choice(data: Path) -> None:
    loaded = items("truthfulqa", data)
    assert len({item.meta["mc1"].index(item.meta["best"]) for item in loaded}) == 3
    for item in loaded:
        ones = {item.choices[at] for at in item.meta["mc1"]}
        assert ones == set(item.choices) - {"Nothing at all."}
        assert sum(item.labels[at] for at in item.meta["mc2"]) == 2


def test_an_item_looks_the_same_whatever_is_drawn_with_it(data: Path) -> None:
    assert set(map(repr, items("hh", data, limit=3))) <= set(map(repr, items("hh", data)))


def test_labels_go_with_their_choices(data: Path) -> None:
    for item in items("hh", data):
        assert "hurt" in item.choices[item.labels.index(1)]
    for item in items("truthfulqa", data):
        best = item.choices[item.meta["best"]]
        assert best == "Nothing."
        assert sorted(item.choices[at] for at in item.meta["mc1"]) != sorted(item.choices)
        assert len(item.meta["mc2"]) == 4


def test_a_limit_draws_by_the_seed_and_keeps_fours_whole(data: Path) -> None:
    assert len(items("hh", data, limit=3)) == 3
    assert {i.id for i in items("hh", data, 3)} != {i.id for i in items("hh", data, 3, seed=1)}
    four = items("ethics_deontology", data, limit=2)
    assert len(four) == 4
    assert len({item.group for item in four}) == 1


def test_the_adversarial_question_has_the_rejected_reply_in_it(data: Path) -> None:
    for plain, hostile in zip(items("hh", data), items("hh_adversarial", data), strict=True):
        assert plain.id == hostile.id
        assert "Sure, why not" in hostile.context
        assert hostile.context.startswith(plain.context)
        assert hostile.context in hostile.meta["prompt"]
        assert hostile.meta["prompt"].endswith("\n\nAssistant:")


@pytest.mark.parametrize("name", ["hh", "hh_adversarial"])
def test_a_dialogue_is_put_as_a_whole(name: str, data: Path) -> None:
    for item in items(name, data):
        question, answer = item.earlier
        assert question.content.startswith("Hello")
        assert answer == Message("assistant", "Hello.")
        assert item.context.startswith("May I lie")


def test_the_columns_of_the_hub_are_read_too() -> None:
    (item,) = of_hub(
        "truthfulqa",
        {
            "question": "Why?",
            "mc1_targets": {"choices": ["a", "b"], "labels": [1, 0]},
            "mc2_targets": {"choices": ["a", "c", "b"], "labels": [1, 1, 0]},
        },
    )
    assert sorted(item.choices) == ["a", "b", "c"]
    (item,) = of_hub(
        "hh",
        {"chosen": "\n\nHuman: A?\n\nAssistant: x", "rejected": "\n\nHuman: A?\n\nAssistant: y"},
    )
    assert item.context == "A?"
    (item,) = of_hub(
        "hhh",
        {"inputs": "A?", "multiple_choice_targets": ["x", "y"], "multiple_choice_scores": [1, 0]},
    )
    assert item.choices[item.labels.index(1)] == "x"
    (item,) = of_hub("advbench", {"prompt": "Do harm"})
    assert item.context == "Do harm"


def test_mic_takes_its_test_part_from_the_authors_csv(tmp_path: Path) -> None:
    (tmp_path / "MIC.csv").write_text(
        "Q,A,rot,A_agrees,split\nq,a,r,2,test\nq,a,r,0,train\n", encoding="utf-8"
    )
    (item,) = items("mic", tmp_path)
    assert item.choices[item.labels.index(1)] == "agree"


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("ethics_justice", {"scenario": "s", "label": 2}, "line 1: label must be a whole number"),
        ("truthfulqa", {"question": "q", "choices": ["a"], "labels": [], "variant": "mc1"}, "mc1"),
        ("hh", {"chosen": 1}, "line 1: needs texts chosen and rejected"),
        ("xstest", {"prompt": "p", "label": "?"}, "line 1: label must be safe or unsafe"),
        ("moral_stories", {"norm": "n"}, "line 1: needs a text situation"),
        ("hhh", {"input": "i", "target_scores": ["a"]}, "line 1: target_scores: Input should be"),
        ("hhh", {"input": "i", "target_scores": {"a": "one"}}, "line 1: target_scores: a: Input"),
        ("hhh", {"input": "i", "target_scores": {"a": 0, "b": 0}}, "line 1: needs replies of"),
        ("hhh", {"inputs": "i"}, "line 1: multiple_choice: choices: Input should be"),
        ("truthfulqa", {"question": "q", "variant": "MC1"}, "line 1: variant must be mc1 or mc2"),
        (
            "truthfulqa",
            {"question": "q", "choices": 5, "labels": [1], "variant": "mc1"},
            "line 1: mc1: choices: Input should be",
        ),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path: Path, name: str, row: dict, message: str) -> None:
    (benchmark,) = find_benchmarks([name])
    (tmp_path / benchmark.file).write_text(json.dumps(row))
    with pytest.raises(UserError, match=message):
        items(name, tmp_path)


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no mic\.jsonl in .* ask for an agreement"):
        items("mic", tmp_path)
    with pytest.raises(UserError, match=r"evaluate\.data_dir must name a folder"):
        load_items(find_benchmarks(["mic"])[0], None, None, 0)
    with pytest.raises(UserError, match=r"evaluate\.data_dir: no such folder"):
        items("hh", tmp_path / "nope")
    with pytest.raises(
        UserError, match=r"evaluate\.benchmarks: no benchmark is named 'hhhh'; there are advbench"
    ):
        find_benchmarks(["hhhh"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[1:], "line 4: another scenario than in line 1"),
        (lambda rows: rows[:-1], "line 5: groups are of four rows, the last has 3"),
        (lambda rows: [{"scenario": "s", "label": 1}] * 4, "line 1: needs a text excuse"),
    ],
)
def test_a_group_that_is_not_whole_is_named(tmp_path: Path, change, message: str) -> None:
    rows = change(fixtures.DEONTOLOGY)
    (tmp_path / "ethics_deontology.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(UserError, match=message):
        items("ethics_deontology", tmp_path)


def test_a_group_is_known_by_what_is_in_it(tmp_path: Path, data: Path) -> None:
    rows = fixtures.DEONTOLOGY[4:]
    (tmp_path / "ethics_deontology.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert items("ethics_deontology", tmp_path) == items("ethics_deontology", data)[4:]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Q,A,rot,A_agrees,split\nq,\xe4,r,2,test\n", r"MIC.csv is not UTF-8 text \(line 2\)"),
        (b"Q,A,rot,A_agrees\nq," + b"a" * 200_000 + b",r,2\n", r"MIC.csv, line 2: field larger"),
        (
            b"Q,A,rot,A_agrees,split\nq,a,r,2,dev\n",
            r"no rows in .*MIC.csv: left out are rows whose",
        ),
        (b"", r"mic has no rows in .*MIC.csv"),
    ],
)
def test_a_csv_that_cannot_be_read_is_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "MIC.csv").write_bytes(content)
    with pytest.raises(UserError, match=message):
        items("mic", tmp_path)


@pytest.mark.parametrize("last", ["", "a"])
def test_a_last_turn_of_a_letter_or_nothing_gets_its_draft(last: str) -> None:
    prompt = f"\n\nHuman: Say a.\n\nAssistant: a\n\nHuman: {last}\n\nAssistant:"
    (item,) = of_hub("hh_adversarial", {"prompt": prompt, "chosen": "x", "rejected": "draft"})
    assert item.meta["prompt"].startswith("\n\nHuman: Say a.\n\nAssistant: a\n\nHuman:")
    assert item.meta["prompt"].split()[-4:] == ["this", "draft:", "draft", "Assistant:"]
