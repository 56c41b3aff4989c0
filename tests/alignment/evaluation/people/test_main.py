"""The command `social-sandbox rate`."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from social_sandbox.alignment.data.study import judgement_log, read_record
from social_sandbox.alignment.evaluation.people.choice import chosen_study
from social_sandbox.alignment.evaluation.people.main import main
from social_sandbox.alignment.evaluation.people.options import parser
from social_sandbox.envs.errors import UserError

from ....helpers.answers import held_out_row, run_with_answers, write_answers


@contextmanager
def started(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the command at a free port; give the process and the links that it prints."""
    command = [sys.executable, "-m", "social_sandbox.alignment.cli", "rate"]
    process = subprocess.Popen(
        [*command, *map(str, arguments), "--port", "0", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    links: list[str] = []
    said = []
    for line in process.stdout:
        said.append(line)
        links += re.findall(r"http://\S+", line)
        if "Ctrl-C" in line:
            break
    assert links, said
    try:
        yield process, links
    finally:
        process.kill()
        process.communicate()


def judge(link: str, rater: str, n: int) -> None:
    """Judge `n` tasks as a rater does."""
    with httpx2.Client(base_url=link.split("?")[0]) as server:
        now = server.get("/task", params={"rater": rater}).json()
        for _ in range(n):
            body = {name: now[name] for name in ("study", "rater", "number")}
            now = server.post("/judgement", json={**body, "choice": "tie"}).json()


def test_every_judgement_survives_kill_9(tmp_path: Path) -> None:
    run = run_with_answers(tmp_path / "demo", 6)
    for done in (3, 5):
        with started(run, "--tasks", "pairs") as (process, links):
            judge(links[0], "Ann", 3 if done == 3 else 2)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert len(read_record(run / "people").judgements) == done


def test_a_second_server_on_the_same_folder_is_refused_and_ctrl_c_ends_the_first(
    tmp_path: Path,
) -> None:
    run = run_with_answers(tmp_path / "demo", 4)
    with started(run, "--raters", "2") as (process, links):
        with pytest.raises(UserError, match=r"--output: .*people is in use by .* rate\)"):
            main([str(run), "--port", "0", "--no-browser"])
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert len(set(links)) == 2
    with started(run, "--raters", "3") as (_, more):
        pass
    assert [link.split("?")[1] for link in more][:2] == [link.split("?")[1] for link in links]


def test_other_hosts_get_links_with_a_token_which_is_written_nowhere(tmp_path: Path) -> None:
    run = run_with_answers(tmp_path / "demo", 4)
    with started(run, "--host", "0.0.0.0", "--raters", "Ann,Bob") as (_, links):
        token = re.findall(r"token=([\w-]+)$", links[0])[0]
        assert "rater=Ann" in links[0]
        port = links[0].split(":")[2].split("/")[0]
        assert httpx2.get(f"http://127.0.0.1:{port}/study").status_code == 403
        bearer = {"authorization": f"Bearer {token}"}
        assert httpx2.get(f"http://127.0.0.1:{port}/study", headers=bearer).status_code == 200
    assert len(token) >= 32
    for file in run.rglob("*"):
        assert file.is_dir() or token not in file.read_text()


def study(*arguments: object, output: Path) -> tuple[object, list[object]]:
    return chosen_study(parser().parse_args([str(each) for each in arguments]), output)  # type: ignore[return-value]


def test_one_model_is_only_rated(tmp_path: Path) -> None:
    run = write_answers(tmp_path / "demo", [held_out_row("Q?", base="a")])
    chosen, _ = study(run, output=tmp_path / "people")
    assert chosen.tasks == "ratings"  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="--tasks: pairs needs two models"):
        study(run, "--tasks", "pairs", output=tmp_path / "people")


def test_models_that_say_the_same_are_not_compared(tmp_path: Path) -> None:
    run = write_answers(tmp_path / "demo", [held_out_row("Q?", base="a", aligned="a")])
    with pytest.raises(UserError, match="the same answer to every question"):
        study(run, output=tmp_path / "people")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--models", "other"], "--models: no 'other'; there are base, aligned"),
        (["--models", "base,base"], "--models: a name is given twice"),
        (["--sources", "hh"], "--sources: no 'hh'; there are held_out"),
        (["--items", "-1"], "--items: '-1' is no whole number from 0"),
        (["--share-checks", "0.9"], "--share-checks: '0.9' is no share from 0 to 0.5"),
        (["--port", "70000"], "--port: '70000' is no port"),
        (["--raters", "0"], "--raters: from 1 to 1000"),
        (["--raters", "Ann,<b>"], "--raters: a name has letters"),
        (["--raters", "Ann,Ann"], "--raters: a name is given twice"),
        (["--tasks", "all"], "--tasks: invalid choice: 'all'"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, arguments: list[str], problem: str) -> None:
    run = run_with_answers(tmp_path / "demo", 4)
    with pytest.raises(UserError, match=f"^{re.escape(problem)}"):
        main([str(run), *arguments])
    assert not (run / "people").exists()


def test_a_later_start_needs_no_settings_and_refuses_others(tmp_path: Path) -> None:
    run, output = run_with_answers(tmp_path / "demo", 8), tmp_path / "people"
    from social_sandbox.alignment.data.study import write_study

    first = study(run, "--items", "3", "--seed", "5", output=output)
    write_study(output, *first)  # type: ignore[arg-type]
    assert study(run, output=output) == first
    assert study(run, "--items", "3", output=output) == first
    with pytest.raises(UserError, match=r"--items: the study in .* has 3, not 4; choose another"):
        study(run, "--items", "4", output=output)
    answers = run / "evaluation" / "answers.jsonl"
    answers.write_text(answers.read_text().replace("Reply", "Other reply"))
    with pytest.raises(UserError, match="is of other answers than the runs have now"):
        study(run, output=output)


def test_strange_answers_are_kept_as_they_are(tmp_path: Path) -> None:
    from social_sandbox.alignment.data.study import read_study, write_study

    rows = [
        held_out_row("\ud800 \u2028 \x00 \r\n?", base="\x1b[2J", aligned="\udfff\u202e"),
        held_out_row("", base="", aligned=" "),
        {"question": "Q?", "base": {"answer": "a", "alignment": float("nan")}, "aligned": {}},
        {"question": "R?", "base": {"answer": "a", "alignment": 1e999}, "aligned": {"answer": "b"}},
    ]
    run, output = write_answers(tmp_path / "demo", rows), tmp_path / "people"
    first = study(run, output=output)
    write_study(output, *first)  # type: ignore[arg-type]
    assert read_study(output) == first == study(run, output=output)
    assert len(first[1]) == 3


def test_judgements_without_their_study_are_not_mixed_with_new_ones(tmp_path: Path) -> None:
    run, output = run_with_answers(tmp_path / "demo", 4), tmp_path / "people"
    output.mkdir()
    line = {"id": "1", "study": "2", "rater": "Ann", "task": "t", "kind": "pair", "role": "main"}
    line |= {"item": "i", "models": ["a", "b"], "choice": "left"}
    judgement_log(output).path.write_text(json.dumps(line) + "\n")
    with pytest.raises(UserError, match=r"is without its study\.json"):
        study(run, output=output)


def test_a_short_token_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIAL_SANDBOX_RATE_TOKEN", "short")
    with pytest.raises(UserError, match="SOCIAL_SANDBOX_RATE_TOKEN: needs 16 characters"):
        main([str(run_with_answers(tmp_path / "demo", 2))])
    assert os.environ["SOCIAL_SANDBOX_RATE_TOKEN"] == "short"
