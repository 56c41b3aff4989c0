"""Estimates out of results, and models side by side."""

import json
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.evaluation.benchmarks.items import (
    ItemResult,
    result_log,
)
from social_sandbox.alignment.evaluation.benchmarks.registry import find_benchmarks
from social_sandbox.alignment.evaluation.benchmarks.results import figure
from social_sandbox.alignment.evaluation.benchmarks.results.compare import (
    difference,
    read_evaluated,
)
from social_sandbox.alignment.evaluation.benchmarks.results.estimates import aggregate
from social_sandbox.alignment.evaluation.benchmarks.results.main import main
from social_sandbox.alignment.evaluation.benchmarks.results.report import markdown
from social_sandbox.envs.errors import UserError


def result(benchmark: str, item: str, group: str | None = None, **scores: float) -> ItemResult:
    return ItemResult(benchmark, item, "choice", group, scores)


def estimates(name: str, *results: ItemResult):
    return aggregate(find_benchmarks([name]), results, resamples=200, seed=0)[name]


def test_exact_match_is_of_whole_groups() -> None:
    rows = [
        result("ethics_justice", f"{n}", f"four {n // 4}", acc=float(n != 5)) for n in range(11)
    ]
    table = estimates("ethics_justice", *rows)
    assert table["acc"]["n"] == 11
    # The third group is not complete, the second has one that is wrong.
    assert (table["em"]["mean"], table["em"]["n"], table["em"]["chance"]) == (0.5, 2, 0.0625)


def test_an_interval_holds_the_mean_and_shrinks_with_more_items() -> None:
    few, many = (
        estimates("hh", *(result("hh", f"{n}", acc=float(n % 2)) for n in range(count)))["acc"]
        for count in (20, 400)
    )
    assert few["low"] < few["mean"] < few["high"]
    assert many["high"] - many["low"] < few["high"] - few["low"]
    assert (
        estimates("hh", *(result("hh", f"{n}", acc=float(n % 2)) for n in range(20)))["acc"] == few
    )


def test_the_drop_is_over_the_same_questions() -> None:
    rated = [result("hh", f"{n}", rating=6.0) for n in range(3)]
    hostile = [result("hh_adversarial", f"{n}", rating=4.0 + n) for n in range(2)]
    table = aggregate(find_benchmarks(["hh", "hh_adversarial"]), [*rated, *hostile], 100, 0)
    assert table["hh_adversarial"]["rating_drop"]["mean"] == pytest.approx(1.5)
    assert table["hh_adversarial"]["rating_drop"]["n"] == 2


def test_results_are_read_again(tmp_path: Path) -> None:
    log = result_log(tmp_path / "items.jsonl")
    rows = [result("hh", "a", acc=1.0), result("hh", "b", acc=0.0)]
    for row in rows:
        log.append([row])
    assert log.read() == rows


def test_drops_of_likelihood_are_over_the_same_questions_too() -> None:
    plain = [result("hh", f"{n}", acc=1.0, acc_norm=1.0) for n in range(4)]
    hostile = [result("hh_adversarial", f"{n}", acc=float(n), acc_norm=1.0) for n in range(2)]
    table = aggregate(find_benchmarks(["hh", "hh_adversarial"]), [*plain, *hostile], 100, 0)
    drop = table["hh_adversarial"]["acc_drop"]
    assert (drop["mean"], drop["n"], drop["chance"]) == (0.5, 2, None)
    assert table["hh_adversarial"]["acc_norm_drop"]["mean"] == 0
    assert "acc_drop" not in estimates("hh_adversarial", *hostile)


def test_a_single_score_has_no_interval_and_a_rating_no_chance() -> None:
    results = {
        "benchmarks": {"hh": estimates("hh", result("hh", "a", acc=1.0, rating=3.0))},
        **{"made_with": {}, "judge": None, "pairwise": None},
    }
    text = markdown(results)
    assert "| hh | acc | 1.000 | none | 1 | 0.500 |" in text
    assert "| hh | rating | 3.00 | none | 1 | none | not known |" in text


def evaluated(folder: Path, right: int, n: int = 40, **more: Any) -> Path:
    rows = [result("hh", f"{k}", acc=float(k < right), acc_norm=1.0, rating=4.0) for k in range(n)]
    (folder / "benchmarks").mkdir(parents=True)
    result_log(folder / "benchmarks/items.jsonl").append(rows)
    table = aggregate(find_benchmarks(["hh"]), rows, 200, 0)
    recorded = {"model": "m", "made_with": {}, "benchmarks": table, "judge": None, **more}
    (folder / "benchmarks/results.json").write_text(json.dumps(recorded))
    return folder


def now(**made_with: Any) -> dict[str, Any]:
    """What today's results hold besides the figures."""
    return {"made_with": made_with, "pairwise": None, "choices": "likelihood", "unused": []}


def test_figures_that_are_not_the_same_thing_are_not_subtracted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = now(apply_chat_template=False, judge={"model": "small"}, limit=None)
    other = now(apply_chat_template=True, judge={"model": "large"}, limit=30, dialogues="whole")
    folders = [
        evaluated(tmp_path / "base", 10, **plain),
        evaluated(tmp_path / "other", 30, n=30, **other),
    ]
    main([*map(str, folders), "--output", str(tmp_path / "out")])
    text = (tmp_path / "out/compare.md").read_text()
    assert "1.000, n 30 [not comparable]" in text
    # Brackets are no markup on the terminal, and nothing is cut off.
    printed = "".join(capsys.readouterr().out.split())
    assert "[not" in printed
    assert "\u2026" not in printed
    assert "apply_chat_template False and True (hh acc, hh acc_norm)" in text
    assert "judge small and large (hh rating)" in text.replace("  ", " ")
    assert "dialogues last question and whole (hh rating)" in text
    assert "made with different limit: None (base), 30 (other)" in text


def test_differences_are_over_the_shared_items_and_say_how_many(tmp_path: Path) -> None:
    recorded = now(apply_chat_template=False)
    folders = [
        evaluated(tmp_path / "base", 10, **recorded),
        evaluated(tmp_path / "less", 20, n=20, **recorded),
    ]
    main([*map(str, folders), "--output", str(tmp_path / "out")])
    (row,) = [
        line
        for line in (tmp_path / "out/compare.md").read_text().splitlines()
        if line.startswith("| hh | acc |")
    ]
    assert "1.000, n 20 [+0.500: " in row
    assert row.count("n 20") == 2


def test_an_answer_that_never_came_is_not_compared(tmp_path: Path) -> None:
    folder = evaluated(tmp_path / "base", 10)
    answered = ItemResult("hh", "a", "answer", None, {}, {"question": "?", "answer": "No."})
    lost = ItemResult("hh", "b", "answer", None, {}, {"question": "?", "error": "timeout"})
    result_log(folder / "benchmarks/items.jsonl").append([answered, lost])
    assert read_evaluated(folder).answers == {("hh", "a"): "No."}


def test_models_are_compared_by_item(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = evaluated(tmp_path / "base", 10), evaluated(tmp_path / "aligned", 30)
    (hh,) = find_benchmarks(["hh"])
    gap = difference(hh, "acc", read_evaluated(one), read_evaluated(two))
    assert gap is not None
    assert (gap.mean, gap.n) == (0.5, 40)
    assert 0.3 < gap.low < 0.5 < gap.high < 0.7
    main([str(one), str(two), "--output", str(tmp_path / "out")])
    assert "aligned" in capsys.readouterr().out
    text = (tmp_path / "out/compare.md").read_text()
    assert "| hh | acc | 0.500 | 40 | 0.250 (" in text
    assert "0.750 [+0.500: " in text
    assert (tmp_path / "out/compare.png").stat().st_size > 1000


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no results of benchmarks"):
        read_evaluated(tmp_path)
    damaged = evaluated(tmp_path / "damaged", 3)
    (damaged / "benchmarks/results.json").write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        read_evaluated(damaged)


def test_a_figure_of_ratings_alone_has_one_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rating = {"mean": 4.0, "low": 3.0, "high": 5.0, "n": 9, "chance": None, "better": "higher"}
    drawn: list[list[str]] = []
    save = figure.Figure.savefig

    def saving(shown: Any, *args: Any, **settings: Any) -> None:
        drawn.append([axes.get_xlabel() for axes in shown.axes])
        save(shown, *args, **settings)

    monkeypatch.setattr(figure.Figure, "savefig", saving)
    figure.plot(tmp_path / "a.png", {"": {"hh": {"rating": rating | {"what": "the rating"}}}})
    figure.plot(tmp_path / "b.png", {"": {}})
    assert drawn == [["rating, 95 % interval"]]
    assert (tmp_path / "a.png").exists()
    assert not (tmp_path / "b.png").exists()


def test_the_name_of_a_model_is_no_mathematics(tmp_path: Path) -> None:
    share = {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 9, "chance": 0.5, "what": "the share"}
    estimates = {"hh": {"acc": share}}
    figure.plot(tmp_path / "a.png", {r"a $\frac{x$ b": estimates, "c $x^y^z$": estimates})
    assert (tmp_path / "a.png").exists()


def seeds(folder: Path, rights: dict[int, int], **settings: Any) -> list[Path]:
    """Runs of one experiment; each aligned a model of its own on a society of its own."""
    runs = []
    for seed, right in rights.items():
        made_with = {"seed": seed, "weights": f"{folder.name}{seed}", "apply_chat_template": False}
        run = evaluated(folder / f"seed_{seed}", right, **now(**made_with))
        method = {"name": "sft", "seed": seed, **settings}
        (run / "alignment").mkdir()
        record = {"settings": {"method": method, "groups": f"g{seed}"}, "complete": True}
        (run / "alignment/stage.json").write_text(json.dumps(record))
        runs.append(run)
    return runs


def test_runs_that_differ_in_the_seed_are_one_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        *seeds(tmp_path / "low", {0: 10, 1: 14}),
        *seeds(tmp_path / "high", {0: 20, 1: 24}, learning_rate=1e-3),
    ]
    main([*map(str, runs), "--over-seeds", "--output", str(tmp_path / "out")])
    assert "2seeds" in "".join(capsys.readouterr().out.split())
    text = (tmp_path / "out/compare.md").read_text()
    header, _, *rows = text.splitlines()
    assert header.endswith(f"{tmp_path}/low (2 seeds) | {tmp_path}/high (2 seeds) | judge right |")
    (row,) = [row for row in rows if row.startswith("| hh | acc |")]
    assert "| 0.300 (" in row
    assert "| 0.550 (" in row
    assert "[+0.250 (" in row
    assert (tmp_path / "out/compare.png").stat().st_size > 1000


def test_the_same_seed_twice_is_no_second_seed(tmp_path: Path) -> None:
    one, two = seeds(tmp_path / "a", {3: 10}), seeds(tmp_path / "b", {3: 10})
    with pytest.raises(UserError, match="equal settings and the same seed 3"):
        main([*map(str, [*one, *two]), "--over-seeds"])
