import json
from dataclasses import replace
from pathlib import Path

import pytest

from social_sandbox.alignment.data.formats.authors import authors_rows, read_authors
from social_sandbox.alignment.data.formats.rows import read_rows
from social_sandbox.alignment.data.groups import Candidate, RatedGroup, Source
from social_sandbox.envs import UserError
from social_sandbox.envs.text.messages import Message

ROW = {"query": "May I lie?", "responses": ["No.", "Yes."], "scores": ["7", 1], "model": "gpt"}


def read_authors_file(path: Path) -> list[RatedGroup]:
    return list(read_authors(str(path), read_rows(str(path), "data")))


def write(path: Path, rows: object) -> Path:
    path.write_text(json.dumps(rows))
    return path


def test_reads_their_array(tmp_path: Path) -> None:
    (group,) = read_authors_file(write(tmp_path / "sandbox_v1.json", [ROW]))
    assert group.prompt == (Message("user", "May I lie?"),)
    assert [(c.text, c.rating, c.source.agent) for c in group.candidates] == [
        ("No.", 7.0, "gpt"),
        ("Yes.", 1.0, "gpt"),
    ]


def test_reads_json_lines_too(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(ROW) + "\n\n" + json.dumps(ROW) + "\n")
    assert len(read_authors_file(path)) == 2


@pytest.mark.parametrize("sentinel", [-1, 8, "8"])
def test_their_marks_for_unparsable_ratings_are_missing_ratings(
    tmp_path: Path, sentinel: object
) -> None:
    row = {**ROW, "scores": [sentinel, 3]}
    (group,) = read_authors_file(write(tmp_path / "data.json", [row]))
    assert [c.rating for c in group.candidates] == [None, 3.0]


def test_writes_what_it_reads(tmp_path: Path) -> None:
    groups = read_authors_file(write(tmp_path / "data.json", [ROW]))
    again = read_authors_file(write(tmp_path / "again.json", list(authors_rows(groups))))
    assert [g.candidates for g in again] == [g.candidates for g in groups]


def test_what_cannot_be_trained_on_is_not_written() -> None:
    group = RatedGroup(
        id="g",
        kind="imitation",
        prompt=(Message("user", "q"), Message("assistant", "a"), Message("user", "again")),
        candidates=(
            Candidate("good", 6.0, source=Source(agent="social_1")),
            Candidate("unrated", None),
            Candidate("", 5.0, valid=False),
        ),
    )
    (row,) = authors_rows([group])
    assert row["responses"] == ["good"]
    assert row["query"] == "User: q\n\nAssistant: a\n\nUser: again"
    with pytest.raises(UserError, match=r"rated on 1\.\.7, and group g on 1\.\.10"):
        list(authors_rows([replace(group, rating_scale=10)]))


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([ROW, {"query": "q"}], "row 2: responses"),
        ([{**ROW, "scores": [1]}], "row 1: 2 responses but 1 scores"),
        ([{**ROW, "scores": ["good", 1]}], "row 1: scores.0"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, rows: object, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        read_authors_file(write(tmp_path / "data.json", rows))


SHORT = "### Instruction:\n{}\n\n### Response:"
LONG = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{}\n\n### Input:\n{}\n\n### Response:"
)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (SHORT.format("May I lie?"), "May I lie?"),
        (SHORT.format("May I lie?").replace("\n", "\r\n"), "May I lie?"),
        (LONG.format("Comment.", "Yes.\n\nOf course."), "Comment.\n\nYes.\n\nOf course."),
        ("What does ### Instruction: mean?", "What does ### Instruction: mean?"),
    ],
)
def test_the_frame_of_a_query_is_taken_off(tmp_path: Path, query: str, asked: str) -> None:
    (group,) = read_authors_file(write(tmp_path / "rows.json", [{**ROW, "query": query}]))
    assert group.prompt == (Message("user", asked),)


def test_models_name_who_said_each_answer(tmp_path: Path) -> None:
    row = {name: value for name, value in ROW.items() if name != "model"}
    (group,) = read_authors_file(
        write(tmp_path / "rows.json", [{**row, "models": ["davinci", None]}])
    )
    assert [c.source.agent for c in group.candidates] == ["davinci", ""]


@pytest.mark.parametrize(
    "turn", ["\n\nHuman: And you?", "\nHuman: x", "\n\n### Instruction:\nx", "\nAssistant: y"]
)
def test_an_answer_that_runs_on_is_cut(tmp_path: Path, turn: str) -> None:
    (group,) = read_authors_file(
        write(tmp_path / "rows.json", [{**ROW, "responses": [f"No.{turn}", turn]}])
    )
    assert [(c.text, c.valid) for c in group.candidates] == [("No.", True), ("", False)]


def test_missing_answers_and_scores_are_no_examples(tmp_path: Path) -> None:
    (group,) = read_authors_file(
        write(tmp_path / "rows.json", [{**ROW, "responses": [None, "Yes."], "scores": ["6", None]}])
    )
    assert [(c.text, c.rating, c.valid) for c in group.candidates] == [
        ("", 6.0, False),
        ("Yes.", None, True),
    ]
