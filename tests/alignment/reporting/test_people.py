"""The command `social-sandbox rate report`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment import cli
from social_sandbox.alignment.data.study import Item, Judgement
from social_sandbox.alignment.evaluation.benchmarks.items import ItemResult, result_log
from social_sandbox.alignment.reporting.page.figures.people import people_figures
from tests.helpers.people import item, pair, rating, write_people


def study() -> tuple[list[Item], list[Judgement]]:
    ratings = {"base": {"alignment": 3.0, "engagement": 4.0}}
    ratings["aligned"] = {"alignment": 6.0, "engagement": 4.0}
    items = [replace(item(n), ratings=ratings) for n in range(6)]
    judged = [
        *(pair("Ann", f"item_{n}", "base", "aligned", "right") for n in range(6)),
        *(pair("Bob", f"item_{n}", "aligned", "base", "left") for n in range(5)),
        pair("Bob", "item_5", "aligned", "base", "right"),
        *(rating("Ann", f"item_{n}", "base", 2 + n % 2, 3) for n in range(6)),
        *(rating("Ann", f"item_{n}", "aligned", 6 - n % 2, 3) for n in range(6)),
        pair("Ann", "check_0", "good", "bad", "left", role="check"),
        pair("Bob", "check_0", "good", "bad", "right", role="check"),
        pair("Ann", "item_0", "aligned", "base", "left", role="repeat"),
    ]
    return items, judged


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    folder = tmp_path / "demo"
    write_people(folder, *study())
    return folder


def report(folder: Path, *options: str) -> int:
    return cli.main(["rate", "report", str(folder), "--resamples", "200", *options])


def test_the_report_is_a_table_and_three_files(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(run) == 0
    shown = capsys.readouterr().out
    assert "24 judgements of 2 raters on 6 questions" in shown
    assert "0.917" in shown  # aligned: 11 wins of 12
    assert "Bob passed 0 of 1 attention checks, and is counted" in shown
    tables = shown.partition("\n\n" + str(run))[0]
    assert max(map(len, tables.splitlines()[:-3])) <= 80
    found = json.loads((run / "people/report.json").read_text())
    assert found["win_rates"][0]["share"] == pytest.approx(11 / 12)
    assert found["observer_pairs"]["alignment"]["share"] == pytest.approx(11 / 12)
    # The observer's engagement is the same for both answers.
    assert found["observer_pairs"]["engagement"]["share"] == 0.5
    assert found["left"]["mean"] == pytest.approx(6 / 13)
    text = (run / "people/report.md").read_text()
    assert "| preferred | to | share |" in text
    assert (run / "figures/people.png").stat().st_size > 1000


def test_raters_who_failed_are_left_out_only_when_asked(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(run, "--exclude-below", "0.5") == 0
    shown = capsys.readouterr().out
    assert "Left out by --exclude-below 0.5: Bob (passed 0 of 1 attention checks)." in shown
    assert "Agreement between raters needs two raters." in shown
    assert json.loads((run / "people/report.json").read_text())["win_rates"][0]["share"] == 1


def test_a_judge_of_benchmarks_is_compared_with_people(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "benchmarks").mkdir()
    results = []
    for n in range(6):
        details = {"question": f"May I read diary {n}?", "answer": f"Ask her first {n}."}
        details |= {"other": f"Go away {n}.", "how": "agreed"}
        results.append(
            ItemResult("rated", str(n), "pairwise", None, {"preferred": float(n > 0)}, details)
        )
    result_log(run / "benchmarks/items.jsonl").append(results)
    (run / "benchmarks/results.json").write_text('{"made_with": {"judge": {"model": "gpt-x"}}}')
    assert report(run) == 0
    assert "judge gpt-x with preferences" in capsys.readouterr().out
    found = json.loads((run / "people/report.json").read_text())
    # Both people disagree with the judge about the first question, and Bob about the last one.
    assert found["judges"]["gpt-x"]["share"] == pytest.approx(9 / 12)


@pytest.mark.parametrize("judged", [[], [pair("Ann", "item_0", "base", "aligned", "tie")]])
def test_hardly_any_judgements_give_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], judged: list[Judgement]
) -> None:
    folder = write_people(tmp_path, [item(0)], judged)
    if not judged:
        (folder / "judgements.jsonl").unlink()
    assert report(tmp_path) == 0
    shown = capsys.readouterr().out
    assert "nan" not in shown.lower().replace("alignment", "")
    word = "needs judgements of two questions" if judged else "Nobody has judged anything yet"
    assert word in shown


def test_studies_of_different_runs_have_models_of_their_own(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items, judged = study()
    write_people(tmp_path / "other", items[:5], [j for j in judged if j.item != "item_5"])
    assert report(run, str(tmp_path / "other")) == 0
    shown = capsys.readouterr().out
    assert "demo: aligned" in shown
    assert "other: aligned" in shown
    assert "No comparison links" in shown


def test_a_study_that_lies_in_two_folders_is_counted_once(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_people(tmp_path / "copy", *study())
    assert report(run, str(tmp_path / "copy")) == 0
    assert "24 judgements of 2 raters on 6 questions" in capsys.readouterr().out


def test_the_page_has_the_figures_and_no_names_of_raters(run: Path) -> None:
    assert report(run) == 0
    figures = list(people_figures(json.loads((run / "people/report.json").read_text())))
    assert [figure.id for figure in figures] == [
        "people-preferences",
        "people-scores",
        "people-ratings",
        "people-agreement",
    ]
    assert "Ann" not in repr(figures)
    (point,) = figures[0].series[0].points
    assert point.y == pytest.approx(11 / 12 - 0.5)
    assert point.low is not None
    assert list(people_figures({})) == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nowhere"], "no people/study.json in nowhere"),
        (["--exclude-below", "2", "nowhere"], "'2' is no share from 0 to 1"),
        ([], "required: FOLDER"),
    ],
)
def test_what_cannot_be_reported_is_one_line(
    capsys: pytest.CaptureFixture[Any], arguments: list[str], problem: str
) -> None:
    assert cli.main(["rate", "report", *arguments]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1


def test_wandb_gets_the_hash_of_judgements_and_not_the_names_in_them(run: Path) -> None:
    from social_sandbox.alignment.reporting.tracking.artifacts import _artifact, data_artifact

    file = run / "people" / "judgements.jsonl"
    described = {"artifact": data_artifact("human", str(file)), "path": str(file), "sha256": "0"}
    (entry,) = _artifact(described, {}, "upload").manifest.entries.values()
    assert entry.ref == file.as_uri()
    assert entry.local_path is None
