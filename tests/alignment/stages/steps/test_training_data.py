"""Sources, exports and checks of training data, through the command line."""

import json
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from social_sandbox.alignment import cli
from social_sandbox.alignment.data.groups import read_groups
from social_sandbox.envs.rules.questions import held_out_questions
from tests.helpers.command_line import here, lines, run
from tests.helpers.small_job import small_job
from tests.helpers.tiny import save_tiny_model

__all__ = ["here"]

ELSEWHERE = "base_model=./nope"
HH = {"prompt": "\n\nHuman: May I lie?\n\nAssistant:", "chosen": " No.", "rejected": " Yes."}


def write(path: Path, *rows: object) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_society_and_pairs_are_mixed_exported_and_read_again(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        here / "hh.jsonl", *({**HH, "chosen": f" No, {n}."} for n in range(9)), HH | {"chosen": ""}
    )
    assert run("simulate") == 0
    mixed = "data.sources=[{kind: interactions, weight: 1}, {kind: hh, path: hh.jsonl, weight: 1}]"
    assert run("data", mixed, ELSEWHERE) == 0
    printed = capsys.readouterr().out
    assert "1 blank reply" in printed
    assert "not known: base_model: no such folder: ./nope" in printed
    data = here / "runs/default/data"
    report = json.loads((data / "report.json").read_text())
    assert [source["kept"] for source in report["sources"]][1] == report["kinds"]["hh"] == 9
    assert report["nearest_held_out"]["distance"] > 0.15
    written = lines(data / "groups.jsonl")

    assert run("export", mixed, "to=groups", "format=parquet", "folder=out") == 0
    exported = "data.sources=[{kind: groups, path: out/data/train.parquet}]"
    assert run("data", exported, ELSEWHERE, "output_dir=again") == 0
    assert read_groups(here / "again/data/groups.jsonl") == read_groups(data / "groups.jsonl")
    assert run("export", mixed, "to=preference") == 0
    assert "rows in train" in capsys.readouterr().out
    assert len(lines(here / "runs/default/export/preference-jsonl/data/train.jsonl")) >= 9
    assert lines(data / "groups.jsonl") == written


def test_pairs_need_no_simulation(here: Path) -> None:
    write(here / "hh.jsonl", HH)
    assert run("data", "data.sources=[{kind: hh, path: hh.jsonl}]", ELSEWHERE) == 0
    (row,) = lines(here / "runs/default/data/groups.jsonl")
    assert row["kind"] == "hh"


@pytest.mark.parametrize("command", ["data", "align"])
def test_a_leak_is_an_error_that_can_be_switched_off(
    here: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    leaked = held_out_questions()[3].text
    group = {
        "id": "g",
        "kind": "k",
        "prompt": [{"role": "user", "content": leaked}],
        "candidates": [{"text": "a", "rating": 3}],
    }
    write(here / "mine.jsonl", group)
    source = {
        "data": "data.sources=[{kind: groups, path: mine.jsonl}]",
        "align": "groups=mine.jsonl",
    }[command]
    base = f"base_model={save_tiny_model(here / 'tiny')}" if command == "align" else ELSEWHERE
    assert run(command, source, base) == 2
    printed = capsys.readouterr().err
    assert "data.leak_guard" in printed
    assert leaked in printed
    assert "mine.jsonl" in printed
    assert printed.count("\n") == 1
    switched_off = run(command, source, ELSEWHERE, "data.leak_guard=false")
    assert switched_off == (0 if command == "data" else 2)
    assert "leak" not in capsys.readouterr().err


ROW = {"id": "g", "kind": "k", "prompt": [{"role": "user", "content": "Hi there"}]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["data.sources=[{kind: tweets, path: a}]"],
            "data.sources.0.kind: must be interactions, hh,",
        ),
        (["data.sources=[{kind: hh, path: a, wait: 1}]"], "data.sources.0.wait: no such setting"),
        (["data.sources=[{kind: hh, path: none.jsonl}]"], "cannot read none.jsonl"),
        (["data.sources=[{kind: hh, path: folder}]"], "folder is a folder"),
        (["data.sources=[{kind: hh, path: empty.jsonl}]"], "yields no training data"),
        (
            ["data.sources=[{kind: hh, path: latin.jsonl}]"],
            "latin.jsonl is not UTF-8 text (line 2)",
        ),
        (
            ["data.sources=[{kind: hh, path: hh.jsonl, weight: -1}]"],
            "data.sources.0.weight: must be at least 0",
        ),
        (["data.sources=[{kind: hh, path: hh.jsonl, weight: x}]"], "data.sources.0.weight"),
        (["data.sources=[{kind: groups, path: hh.jsonl}]"], "hh.jsonl, line 1: "),
        (["data.sources=[{kind: groups, path: scales.jsonl}]"], "rated on 1..7 and"),
        (["data.sources=[{kind: groups, path: unrated.jsonl}]"], "nothing to train on"),
        (["data.sources=[]"], "data.sources: must have at least one source"),
        (["data.leak_distance=2"], "data.leak_distance: must be at most 1, got 2"),
        (["data.sources=[{kind: hh, path: hh.jsonl}]", "chat_template=no.jinja"], "chat_template"),
    ],
)
def test_a_mistake_in_the_data_ends_with_one_line_and_code_2(
    here: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "folder").mkdir()
    (here / "empty.jsonl").write_text("")
    (here / "latin.jsonl").write_bytes(b'{"chosen": "a"}\n{"chosen": "\xe9"}\n')
    write(here / "hh.jsonl", HH)
    rated = {**ROW, "candidates": [{"text": "a", "rating": 3}]}
    write(here / "scales.jsonl", rated, {**rated, "rating_scale": 10})
    write(here / "unrated.jsonl", {**ROW, "candidates": [{"text": "a", "rating": None}]})
    base = [] if "chat_template=no.jinja" in arguments else [ELSEWHERE]
    assert run("data", *base, *arguments) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["to=tweets"], "export.to: must be preference, "),
        (["format=csv"], "export.format: must be jsonl or parquet"),
        (["export.min_gap=-1"], "export.min_gap: must be at least 0"),
        (["export.min_gap=6.5"], "no row can be made of 1 groups"),
        (["folder=full"], "full exists and is no earlier export"),
        (["groups=none.jsonl"], "groups: cannot read none.jsonl"),
    ],
)
def test_a_mistake_in_an_export_ends_with_one_line_and_code_2(
    here: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "full").mkdir()
    (here / "full/file").write_text("x")
    rated = {**ROW, "candidates": [{"text": "a", "rating": 3}, {"text": "b", "rating": 5}]}
    write(here / "mine.jsonl", rated)
    source = [] if "groups=none.jsonl" in arguments else ["groups=mine.jsonl"]
    assert run("export", *source, *arguments) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_align_checks_the_data_before_it_loads_a_model(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here / "mine.jsonl", {**ROW, "candidates": [{"text": "a", "rating": 9}]})
    model = save_tiny_model(here / "tiny")

    def loaded(*_: object, **__: object) -> None:
        pytest.fail("a model was loaded")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", loaded)
    assert run("align", "groups=mine.jsonl", f"base_model={model}") == 2
    assert "group g has a rating of 9" in capsys.readouterr().err


def test_training_on_the_pairs_of_the_evaluation_is_a_leak(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turn = "\n\nHuman: {}\n\nAssistant: Well.\n\nHuman: Why?\n\nAssistant:"
    mine, held = ({**HH, "prompt": turn.format(asked)} for asked in ("May I lie?", "May I steal?"))
    write(here / "hh.jsonl", mine)
    write(here / "held.jsonl", held)
    write(here / "both.jsonl", held, mine | {"chosen": " Never."})
    pairs = "data.sources=[{kind: hh, path: hh.jsonl}]"
    # The same last turn is no leak.
    assert run("data", pairs, ELSEWHERE, "evaluate.pairs=held.jsonl") == 0
    groups = "groups=runs/default/data/groups.jsonl"
    tiny = f"base_model={save_tiny_model(here / 'tiny')}"
    for command in (["data", pairs, ELSEWHERE], ["align", groups, tiny]):
        leak = ["evaluate.pairs=both.jsonl", "output_dir=again"]
        assert run(*command, *leak) == 2
        failed = capsys.readouterr().err
        assert "a dialogue of evaluate.pairs is in it" in failed
        assert failed.count("\n") == 1


def test_export_is_a_command_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    assert "social-sandbox export to=preference format=parquet" in capsys.readouterr().out


def test_data_that_was_just_searched_for_leaks_is_not_searched_again(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from social_sandbox.alignment.stages import data_checks

    search, searches = data_checks.check_leaks, []
    monkeypatch.setattr(
        data_checks, "check_leaks", lambda *args: searches.append(args) or search(*args)
    )
    job = small_job(here)
    for command in ("simulate", "data", "align"):
        assert run(command, *job) == 0
    assert len(searches) == 1
