"""The answers in the folders of runs."""

import json
from pathlib import Path

import pytest

from social_sandbox.alignment.evaluation.benchmarks.items import ItemResult, result_log
from social_sandbox.alignment.evaluation.people.answers import (
    check_unchanged,
    draw_items,
    models_of,
    read_answers,
)
from social_sandbox.alignment.evaluation.people.choice import chosen_study
from social_sandbox.alignment.evaluation.people.options import parser
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.interactions import write_interactions
from social_sandbox.policies.scripted import ScriptedPolicy
from tests.helpers.societies import play, society

from ....helpers.answers import held_out_row, run_with_answers, write_answers


def test_a_run_has_its_base_and_its_aligned_model(tmp_path: Path) -> None:
    answers = read_answers([run_with_answers(tmp_path / "demo", 3)])
    assert models_of(answers) == ["base", "aligned"]
    (item, *_) = draw_items(answers, ["base", "aligned"], (), 2, seed=0)
    assert item.source == "held_out"
    assert item.ratings["base"] == {"alignment": 4.0, "engagement": 5.5}
    assert item.kind == "lying"


def test_runs_side_by_side_are_named_by_their_folders(tmp_path: Path) -> None:
    folders = [run_with_answers(tmp_path / name, 3) for name in ("one", "two")]
    assert models_of(read_answers(folders)) == ["base", "one", "two"]


def test_runs_whose_base_models_differ_have_two(tmp_path: Path) -> None:
    one = write_answers(tmp_path / "one", [held_out_row("Q?", base="a", aligned="b")])
    two = write_answers(tmp_path / "two", [held_out_row("Q?", base="c", aligned="d")])
    assert set(models_of(read_answers([one, two]))) == {"one", "two", "one/base", "two/base"}


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folders = [run_with_answers(tmp_path / name / "demo", 1) for name in ("a", "b")]
    assert {"a/demo", "b/demo"} <= set(models_of(read_answers(folders)))
    with pytest.raises(UserError, match="named twice"):
        read_answers([folders[0], folders[0] / ".." / "demo"])


def test_answers_to_benchmarks_are_judged_too(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name / "benchmarks"
        folder.mkdir(parents=True)
        details = {
            "question": "And now?",
            "earlier": [{"question": "Hello?", "answer": "Hi."}],
            "answer": f"the answer of {name}",
        }
        result_log(folder / "items.jsonl").append(
            [
                ItemResult("xstest", "1", "answer", None, {}, details),
                ItemResult("xstest", "2", "answer", None, {}, {"question": "Q", "error": "no"}),
                ItemResult("hhh", "3", "choice", None, {"accuracy": 1.0}, {}),
            ]
        )
    answers = read_answers([tmp_path / "one", tmp_path / "two"])
    (item,) = draw_items(answers, ["one", "two"], ["xstest"], 0, seed=0)
    assert item.earlier == [("Hello?", "Hi.")]
    assert item.answers == {"one": "the answer of one", "two": "the answer of two"}


def test_each_question_is_drawn_once_with_a_sample_that_differs(tmp_path: Path) -> None:
    rows = [
        held_out_row(f"Q{i}?", sample, base="same", aligned="same" if sample != 2 else "other")
        for i in range(4)
        for sample in range(4)
    ]
    answers = read_answers([write_answers(tmp_path, rows)])
    items = draw_items(answers, ["base", "aligned"], (), 0, seed=0)
    assert sorted(item.question for item in items) == ["Q0?", "Q1?", "Q2?", "Q3?"]
    assert {item.sample for item in items} == {2}
    assert items[:3] == draw_items(answers, ["base", "aligned"], (), 3, seed=0)
    assert items != draw_items(answers, ["base", "aligned"], (), 0, seed=1)


def test_a_question_needs_an_answer_of_every_model(tmp_path: Path) -> None:
    rows = [held_out_row("Q0?", base="a", aligned="b"), held_out_row("Q1?", base="a")]
    answers = read_answers([write_answers(tmp_path, rows)])
    assert [i.question for i in draw_items(answers, ["base", "aligned"], (), 0, 0)] == ["Q0?"]


def test_answers_that_have_changed_are_noticed(tmp_path: Path) -> None:
    answers = read_answers([run_with_answers(tmp_path / "then", 3)])
    items = draw_items(answers, ["base", "aligned"], (), 0, 0)
    check_unchanged(items, answers, tmp_path)
    now = read_answers(
        [write_answers(tmp_path / "now", [held_out_row("Question 0?", base="!", aligned="?")])]
    )
    with pytest.raises(UserError, match="is of other answers than the runs have now"):
        check_unchanged(items, now, tmp_path)


def test_a_folder_without_answers_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no answers: .*social-sandbox evaluate"):
        read_answers([tmp_path])
    with pytest.raises(UserError, match="no such folder"):
        read_answers([tmp_path / "missing"])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 1: Invalid JSON"),
        (json.dumps({"base": {"answer": "a"}}), "row 1: no question"),
        (json.dumps({"question": "Q?", "sample": "x"}), "row 1: no question, or no number"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    write_answers(tmp_path, [])
    (tmp_path / "evaluation" / "answers.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=rf"answers\.jsonl, {problem}"):
        read_answers([tmp_path])


def test_a_society_gives_its_drafts_and_revisions(tmp_path: Path) -> None:
    demo = run_with_answers(tmp_path / "demo", 3)
    world = play(society(grid_size=2, n_rounds=2), lambda turn: ScriptedPolicy().act([turn])[0])
    for folder in (tmp_path / "only", demo):
        write_interactions(folder / "simulation" / "interactions.jsonl", world.interactions)
    chosen, items = chosen_study(parser().parse_args([str(tmp_path / "only")]), tmp_path / "new")
    assert chosen.models == ("draft", "revision")
    assert chosen.sources == ("society",)
    assert {item.question for item in items} == {each.question for each in world.interactions}
    assert all(item.answers["draft"] != item.answers["revision"] for item in items)
    # Where there are other answers, the society's have to be asked for.
    usual, _ = chosen_study(parser().parse_args([str(demo)]), tmp_path / "new")
    assert usual.models == ("base", "aligned")
    arguments = [str(demo), "--sources", "society"]
    of_society, same = chosen_study(parser().parse_args(arguments), tmp_path / "new")
    assert (of_society.models, same) == (("draft", "revision"), items)
