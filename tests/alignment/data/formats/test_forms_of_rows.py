"""Rows of every form that TRL's code takes are read, and what is no example to imitate is not."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.data.config import DataConfig, SourceConfig
from social_sandbox.alignment.data.formats.hh import read_pairs
from social_sandbox.alignment.data.formats.pair import PairRating
from social_sandbox.alignment.data.formats.preference import read_preferences
from social_sandbox.alignment.data.formats.prompt_completion import (
    completion_rows,
    read_completions,
)
from social_sandbox.alignment.data.groups import RatedGroup
from social_sandbox.alignment.data.priors import read_priors
from social_sandbox.alignment.data.sources import read_sources
from social_sandbox.alignment.methods.sft import Sft
from social_sandbox.envs.errors import UserError

QUESTION = "May I lie?"
USER = {"role": "user", "content": QUESTION}
SYSTEM = {"role": "system", "content": "Be brief."}
GOOD, BAD = {"role": "assistant", "content": "No."}, {"role": "assistant", "content": "Yes."}
HUMAN, GPT = {"from": "human", "value": QUESTION}, {"from": "gpt", "value": "No."}


def read(read_rows: Any, *rows: dict[str, Any]) -> tuple[list[RatedGroup], Counter[str]]:
    dropped = Counter[str]()
    placed = [(f"line {number}", row) for number, row in enumerate(rows, start=1)]
    return list(read_rows("rows.jsonl", placed, PairRating(), dropped)), dropped


def said(group: RatedGroup) -> tuple[list[tuple[str, str]], list[str]]:
    prompt = [(message.role, message.content) for message in group.prompt]
    return prompt, [candidate.text for candidate in group.candidates]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": QUESTION, "chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"prompt": [USER], "chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"prompt": None, "chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"prompt": QUESTION, "chosen": [GOOD], "rejected": [BAD]},
        {"prompt": [USER], "chosen": GOOD, "rejected": BAD},
        {"prompt": [USER], "chosen": "No.", "rejected": "Yes."},
        {"prompt": QUESTION, "chosen": "No.", "rejected": [BAD]},
        {"conversations": [HUMAN], "chosen": GPT, "rejected": {"from": "gpt", "value": "Yes."}},
        {"prompt": [{"role": "system", "content": ""}, USER], "chosen": [GOOD], "rejected": [BAD]},
        {
            "prompt": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}],
            "chosen": [GOOD],
            "rejected": [BAD],
        },
    ],
)
def test_every_form_of_a_pair_is_read(row: dict[str, Any], tmp_path: Path) -> None:
    ((group,), dropped) = read(read_preferences, row)
    assert said(group) == ([("user", QUESTION)], ["No.", "Yes."])
    assert not dropped
    # The pairs of `evaluate.pairs`, of the observer and of the priors pass through the same reader.
    file = tmp_path / "pairs.jsonl"
    file.write_text(json.dumps(row) + "\n")
    (pair,) = read_pairs(str(file), "pairs")
    assert (pair.prompt, pair.chosen.text) == (group.prompt, "No.")


def test_pairs_of_messages_serve_as_priors(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(json.dumps({"chosen": [USER, GOOD], "rejected": [USER, BAD]}) + "\n")
    (question,) = read_priors(str(file))
    assert (question.text, question.good, question.bad) == (QUESTION, "No.", "Yes.")


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [USER, GOOD]},
        {"conversations": [HUMAN, GPT]},
        {"prompt": QUESTION, "messages": [USER, GOOD]},
        {"prompt": QUESTION, "completion": [USER, GOOD]},
        {"prompt": [USER], "completion": "No."},
        {"prompt": QUESTION, "completion": GOOD},
        {"messages": [USER, GOOD], "tools": [{"type": "function"}]},
    ],
)
def test_every_form_of_a_demonstration_is_read(row: dict[str, Any]) -> None:
    ((group,), _) = read(read_completions, row)
    assert said(group) == ([("user", QUESTION)], ["No."])
    assert group.candidates[0].rating == 7.0


def test_a_system_message_is_kept_in_each_form() -> None:
    rows = [
        {"messages": [SYSTEM, USER, GOOD]},
        {"conversations": [HUMAN, GPT], "system": "Be brief."},
        {"prompt": [{"role": "developer", "content": "Be brief."}, USER], "completion": [GOOD]},
    ]
    for group in read(read_completions, *rows)[0]:
        assert said(group)[0] == [("system", "Be brief."), ("user", QUESTION)]


def test_the_forms_agree_with_trl() -> None:
    trl = pytest.importorskip("trl.data_utils")
    talk = [USER, GOOD, {"role": "user", "content": "Why?"}]
    row = {"prompt": "x", "chosen": [*talk, GOOD], "rejected": [*talk, BAD]}
    theirs = trl.maybe_extract_prompt(row)
    ((ours,), _) = read(read_preferences, row)
    assert said(ours)[0] == [(m["role"], m["content"]) for m in theirs["prompt"]]
    assert said(ours)[1] == [theirs["chosen"][0]["content"], theirs["rejected"][0]["content"]]


CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]}
IMAGE = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": [USER, CALL, {"role": "tool", "content": "3"}, GOOD]}, "call tools"),
        ({"messages": [IMAGE, GOOD]}, "images"),
        ({"messages": [USER]}, "the last message is not the assistant's"),
        ({"prompt": QUESTION, "completion": None}, "blank reply"),
        ({"prompt": QUESTION, "completion": []}, "blank reply"),
        ({"prompt": None, "completion": "No."}, "blank prompt"),
        ({"prompt": [USER], "completion": [{"role": "assistant", "content": None}]}, "blank reply"),
        (
            {"prompt": QUESTION, "completion": "No.\n\nHuman: Why?"},
            "a reply goes on with a turn of the human",
        ),
        ({"prompt": QUESTION, "completion": "No.", "label": None}, "no label"),
        (
            {"prompt": QUESTION, "completion": "No.", "label": False, "score": 6},
            "score contradicts label",
        ),
    ],
)
def test_a_row_that_teaches_nothing_is_counted(row: dict[str, Any], reason: str) -> None:
    groups, dropped = read(read_completions, row)
    assert not groups
    assert reason in next(iter(dropped))


@pytest.mark.parametrize("wanted", [True, 1, 1.0, "true", "True", " 1 "])
@pytest.mark.parametrize("unwanted", [False, 0, 0.0, "false", "FALSE", "0"])
def test_an_unwanted_completion_is_rated_lowest(wanted: object, unwanted: object) -> None:
    rows = [
        {"prompt": QUESTION, "completion": "Yes.", "label": unwanted},
        {"prompt": [USER], "completion": [GOOD], "label": wanted},
    ]
    ((group,), _) = read(read_completions, *rows)
    assert [(c.text, c.rating) for c in group.candidates] == [("Yes.", 1.0), ("No.", 7.0)]


def test_an_unwanted_completion_is_never_imitated() -> None:
    rows = [
        {"messages": [USER, BAD], "label": False},
        {"prompt": "Who are you?", "completion": "A friend.", "label": True},
    ]
    groups, _ = read(read_completions, *rows)
    assert [candidate.text for _, candidate in Sft().select(groups).examples] == ["A friend."]
    assert [row["completion"] for row in completion_rows(groups, "best", False)] == ["A friend."]
    with pytest.raises(UserError, match="none of the 1 groups"):
        Sft().select(groups[:1])


@pytest.mark.parametrize("label", ["maybe", 2, [True]])
def test_a_label_that_is_neither_is_named(label: object) -> None:
    with pytest.raises(UserError, match="line 1: label: must be true or false"):
        read(read_completions, {"prompt": QUESTION, "completion": "No.", "label": label})


def source(kind: str, file: Path) -> list[RatedGroup]:
    (groups, _) = read_sources(DataConfig(sources=(SourceConfig(kind=kind, path=str(file)),)))  # type: ignore[arg-type]
    return groups


def test_csv_gzip_and_parquet_give_the_same_groups(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    rows: list[dict[str, Any]] = [
        {"prompt": QUESTION, "chosen": "No, never.", "rejected": "Yes", "score_chosen": 6.0},
        {"prompt": "Who?", "chosen": "I\n", "rejected": "You", "score_chosen": None},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    nan = [{**row, "score_chosen": row["score_chosen"] or float("nan")} for row in rows]
    parquet.write_table(pyarrow.Table.from_pylist(nan), tmp_path / "b.parquet")
    (tmp_path / "c.csv").write_text(
        f'prompt,chosen,rejected,score_chosen\n{QUESTION},"No, never.",Yes,6\nWho?,"I\n",You,\n'
    )
    read_ones = [source("preference", file) for file in sorted(tmp_path.iterdir())]
    for groups in read_ones:
        contents = {(group.prompt, group.candidates) for group in groups}
        assert contents == {(group.prompt, group.candidates) for group in read_ones[0]}
    assert len(read_ones[0]) == 2


def test_messages_in_a_cell_of_csv_are_read_as_json(tmp_path: Path) -> None:
    cell = json.dumps([USER, GOOD]).replace('"', '""')
    (tmp_path / "rows.csv").write_text(f'messages\n"{cell}"\n')
    (group,) = source("prompt_completion", tmp_path / "rows.csv")
    assert said(group) == ([("user", QUESTION)], ["No."])


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv", "rows.parquet"])
def test_a_pointer_is_named_whatever_the_file_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    with pytest.raises(UserError, match=r"data\.sources\.0: .* is a Git LFS pointer"):
        source("preference", tmp_path / name)
