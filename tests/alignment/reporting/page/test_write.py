"""The data of a page: what stands in the files, for any text and any state of a run."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from social_sandbox.alignment.reporting.page.write import Page, write_page
from social_sandbox.alignment.speed.page import LARGEST, big_run
from social_sandbox.envs import UserError
from social_sandbox.envs.rules.interactions import interaction_log, write_interactions

from ....helpers.page_data import bytes_of, read_chunks, read_data
from ....helpers.runs import interactions, with_texts, write_run

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!-- <script> ]]> & &amp; \" ' ` \\",
    "line\u2028and\u2029paragraph\x85",
    "nul \x00 bell \x07 escape \x1b[31m",
    "\u202egnp.exe\u202c \u2066\u200f",
    "🙂 日本語 \U0010ffff \ufffe",
    "",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "one")


def test_every_interaction_is_a_row_of_the_table_and_a_record(folder: Path) -> None:
    page = write_page([folder]).parent
    finished = interactions()
    table, records = read_data(page, "one/table"), read_chunks(page, "one/interactions")
    assert table["id"] == [one.id for one in finished]
    assert [record["interaction"]["id"] for record in records] == table["id"]
    lines = (folder / "simulation/interactions.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    assert records[0]["interaction"] == first | {"seed": records[0]["interaction"]["seed"]}
    assert int(records[0]["interaction"]["seed"]) == first["seed"]
    columns = {len(column) for column in table.values() if isinstance(column, list)}
    columns |= {len(column) for column in table["norms"].values()}
    assert columns == {len(finished)}


def test_the_columns_say_what_the_interactions_say(folder: Path) -> None:
    table = read_data(write_page([folder]).parent, "one/table")
    names = table["names"]
    for row, one in enumerate(interactions()):
        assert names["agent"][table["agent"][row]] == one.agent
        assert names["question"][table["question"][row]] == one.question
        assert names["kind"][table["kind"][row]] == one.kind
        assert (table["row"][row], table["column"][row]) == one.position
        assert table["revision_alignment"][row] == one.rating("alignment", "revision")
        assert table["draft_engagement"][row] == one.rating("engagement", "draft")
        given = [(names["agent"][peer], rating) for peer, rating in table["peers"][row]]
        assert given == [(feedback.peer, feedback.rating) for feedback in one.feedback]
        rated = [*one.feedback, *one.observations]
        assert table["missing"][row] == sum(each.rating is None for each in rated)
        assert table["cut_off"][row] == one.draft.cut_off
        assert table["errors"][row] == bool(one.revision.error)
        assert not table["same"][row]


def test_groups_and_interactions_refer_to_each_other(folder: Path) -> None:
    page = write_page([folder]).parent
    records, groups = read_chunks(page, "one/interactions"), read_chunks(page, "one/groups")
    assert groups
    for number, group in enumerate(groups):
        for candidate, row in zip(group["group"]["candidates"], group["interactions"], strict=True):
            assert records[row]["interaction"]["id"] == candidate["source"]["interaction"]
            assert number in records[row]["groups"]


def test_answers_lead_to_the_interactions_of_the_same_question_and_back(folder: Path) -> None:
    page = write_page([folder]).parent
    records, answers = read_chunks(page, "one/interactions"), read_chunks(page, "one/answers")
    for record in records:
        question = record["interaction"]["question"]
        assert [answers[number]["question"] for number in record["answers"]] == [question]
    asked = {record["interaction"]["question"] for record in records}
    for answer in answers:
        first = records[answer["interactions"][0]]["interaction"]
        if answer["question"] in asked:
            assert first["question"] == answer["question"]
    run = read_data(page, "one/run")
    assert run["models"] == ["base", "aligned"]
    assert run["counts"] == {"interactions": 27, "groups": len(records), "answers": len(answers)}


def test_a_question_that_nobody_was_asked_leads_to_the_nearest_one(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "one")
    file = folder / "evaluation/answers.jsonl"
    row = json.loads(file.read_text().splitlines()[0])
    row["question"] = "And what about a dog that is lost?"
    file.write_text(json.dumps(row) + "\n")
    page = write_page([folder]).parent
    (answer,) = read_chunks(page, "one/answers")
    nearest = read_chunks(page, "one/interactions")[answer["interactions"][0]]
    assert nearest["interaction"]["question"] == "What about a lost dog?"
    assert nearest["answers"] == [0]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_back_as_it_is(tmp_path: Path, text: str) -> None:
    finished = [with_texts(one, text) for one in interactions(rounds=1)]
    page = write_page([write_run(tmp_path / "one", finished)]).parent
    records = read_chunks(page, "one/interactions")
    assert records[0]["interaction"]["draft"]["text"] == text
    assert records[0]["interaction"]["question"] == text
    assert records[0]["interaction"]["feedback"][0]["reason"] == text
    assert text.strip() in records[0]["prompts"][0]["messages"][-1]["content"]


def test_half_a_character_becomes_the_sign_for_an_unknown_one(folder: Path) -> None:
    file = folder / "simulation/interactions.jsonl"
    line = json.loads(file.read_text().splitlines()[0])
    line["draft"]["text"] = "half \ud83d here"
    file.write_text(json.dumps(line) + "\n")
    page = write_page([folder]).parent
    (record,) = read_chunks(page, "one/interactions")
    assert record["interaction"]["draft"]["text"] == "half \ufffd here"


def test_a_million_letters_are_kept_and_the_table_stays_small(tmp_path: Path) -> None:
    one = interactions(rounds=1)[0]
    long = replace(one, revision=replace(one.revision, text="long " * 200_000))
    page = write_page([write_run(tmp_path / "one", [long])]).parent
    (record,) = read_chunks(page, "one/interactions")
    assert record["interaction"]["revision"]["text"] == long.revision.text
    assert read_data(page, "one/table")["extract"] == [("long " * 16)[:80]]


def test_ratings_that_are_no_numbers_are_null(folder: Path) -> None:
    file = folder / "simulation/interactions.jsonl"
    first, *rest = file.read_text().splitlines()
    line = json.loads(first)
    line["feedback"][0]["rating"] = float("nan")
    file.write_text("\n".join([json.dumps(line), *rest]) + "\n")
    page = write_page([folder]).parent
    assert read_data(page, "one/table")["peers"][0][0][1] is None
    assert read_chunks(page, "one/interactions")[0]["interaction"]["feedback"][0]["rating"] is None


def test_the_same_run_gives_the_same_bytes_and_nothing_is_written_twice(
    folder: Path, tmp_path: Path
) -> None:
    page = write_page([folder]).parent
    first = bytes_of(page)
    changed = {file: file.stat().st_mtime_ns for file in page.rglob("*.js")}
    write_page([folder])
    assert bytes_of(page) == first
    assert {file: file.stat().st_mtime_ns for file in page.rglob("*.js")} == changed
    assert bytes_of(write_page([folder], tmp_path / "elsewhere").parent) == first


def test_files_of_an_earlier_page_are_removed(folder: Path) -> None:
    page = write_page([folder]).parent
    write_interactions(folder / "simulation/interactions.jsonl", interactions(rounds=1))
    shutil.rmtree(folder / "data")
    write_page([folder])
    assert not (page / "data/one/groups").exists()
    assert not (page / "data/one/group_table.js").exists()
    assert len(read_chunks(page, "one/interactions")) == 9


def test_several_folders_are_runs_beside_one_another(folder: Path, tmp_path: Path) -> None:
    twin = write_run(tmp_path / "other" / "one", interactions(rounds=1))
    page = write_page([folder, twin]).parent
    assert page == folder / "page"
    assert [run["key"] for run in read_data(page, "index")["runs"]] == ["one", "one-2"]
    assert len(read_chunks(page, "one/interactions")) == 27
    assert len(read_chunks(page, "one-2/interactions")) == 9


def test_a_folder_of_runs_gives_all_of_them_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        write_run(tmp_path / "online" / f"cycle_{number}", interactions(rounds=1))
    page = write_page([tmp_path / "online"]).parent
    names = [run["name"] for run in read_data(page, "index")["runs"]]
    assert names == ["online/cycle_1", "online/cycle_2", "online/cycle_10"]


def test_the_points_of_a_sweep_are_named_by_what_differs(tmp_path: Path) -> None:
    point = write_run(tmp_path / "margins" / "0a1b", interactions(rounds=1))
    (point / "point.json").write_text('{"settings": {"method.margin": "10"}}')
    page = write_page([tmp_path / "margins"]).parent
    (run,) = read_data(page, "index")["runs"]
    assert run == {"key": "margins-0a1b", "name": "margins/0a1b: method.margin=10"}


def test_a_file_of_interactions_alone_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "theirs.jsonl"
    write_interactions(file, interactions(rounds=1))
    page = write_page([file]).parent
    assert page == tmp_path / "page"
    assert len(read_chunks(page, "theirs-jsonl/interactions")) == 9


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "does not exist"),
        (lambda folder: [shutil.rmtree(inner) for inner in folder.iterdir()], "holds no run"),
        (
            lambda folder: (folder / "simulation/interactions.jsonl").write_text('{"id": 1}\n'),
            "interactions.jsonl, line 1: ",
        ),
        (
            lambda folder: (folder / "data/groups.jsonl").write_text("{}\n[]\n"),
            "groups.jsonl, line 2: ",
        ),
        (
            lambda folder: (folder / "simulation/stage.json").write_text("{"),
            "stage.json is not JSON",
        ),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(folder: Path, break_it, message: str) -> None:
    break_it(folder)
    with pytest.raises(UserError, match=message) as error:
        write_page([folder])
    assert "\n" not in str(error.value)


def test_a_folder_with_other_files_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear")
    with pytest.raises(UserError, match="holds other files; choose a new folder by --output"):
        write_page([folder], tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_disk_that_cannot_be_written_is_named_with_a_way_out(folder: Path) -> None:
    (folder / "page").mkdir()
    (folder / "page" / "assets").mkdir()
    (folder / "page" / "assets" / "style.css").write_text("")
    (folder / "page" / "data").write_text("a file in the way")
    with pytest.raises(UserError, match=r"cannot write .*--output FOLDER"):
        write_page([folder])


def test_only_what_is_new_is_written_while_a_simulation_runs(tmp_path: Path) -> None:
    finished = interactions(rounds=12)
    file = tmp_path / "one" / "simulation" / "interactions.jsonl"
    file.parent.mkdir(parents=True)
    log = interaction_log(file)
    log.append(finished[:103])
    page = Page([tmp_path / "one"], following=True)
    assert page.update()
    chunks = page.target / "data/one/interactions"
    first = (chunks / "00000.js").stat().st_mtime_ns
    stamp = read_data(page.target, "index")["stamp"]
    assert read_data(page.target, "index")["following"] is True
    assert not page.update()
    log.append(finished[103:105])
    with file.open("a") as torn:
        torn.write('{"id": "world_0/11/soc')
    assert page.update()
    assert (chunks / "00000.js").stat().st_mtime_ns == first
    assert len(read_data(page.target, "one/table")["id"]) == 105
    assert len(read_data(page.target, "one/interactions/00001")) == 5
    assert read_data(page.target, "index")["stamp"] != stamp
    assert "not complete" in read_data(page.target, "one/run")["notes"][0]
    log.append(finished[105:])
    page.update()
    page.stop_following()
    assert len(read_chunks(page.target, "one/interactions")) == len(finished)
    assert bytes_of(page.target) == bytes_of(write_page([tmp_path / "one"]).parent)


def test_a_page_follows_an_online_job_into_its_next_cycle(tmp_path: Path) -> None:
    write_run(tmp_path / "online" / "cycle_0", interactions(rounds=1))
    page = Page([tmp_path / "online"], following=True)
    page.update()
    write_run(tmp_path / "online" / "cycle_1", interactions(rounds=1))
    assert page.update()
    assert len(read_data(page.target, "index")["runs"]) == 2


def test_a_hundred_interactions_with_their_prompts_take_little_room(tmp_path: Path) -> None:
    page = write_page([big_run(tmp_path / "one", 200)]).parent
    size = sum(len(data) for name, data in bytes_of(page).items() if name.startswith("data/"))
    assert size / 2 < LARGEST * 1024
