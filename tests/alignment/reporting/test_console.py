"""What is printed on a terminal of 80 columns: whole tables, whole paths, whole numbers."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment import cli
from social_sandbox.alignment.reporting import console as report
from social_sandbox.alignment.reporting.adherence import verdict_lines
from social_sandbox.alignment.reporting.data_report import print_report
from social_sandbox.alignment.runtime.tables import extract, print_path, table
from social_sandbox.alignment.speed.measure import Goal, Measurement
from social_sandbox.alignment.speed.table import show
from social_sandbox.policies.terminal import Terminal
from tests.helpers.societies import play, society

RATING = {"mean": 5.825, "low": 5.679, "high": 5.962, "n": 104}
LOSS = {"mean": -0.036, "low": -0.227, "high": 0.154, "n": 104}
MEASURES = ("alignment", "engagement", "combined", "prefers_good", "prefers_chosen")
EVALUATION = {
    "questions": 104,
    "table": {
        **{name: {"base": RATING, "aligned": RATING, "difference": LOSS} for name in MEASURES},
        "moved_to_chosen": {"base": None, "aligned": RATING, "difference": None},
    },
    "words_per_answer": {"base": 40.3, "aligned": 39.7},
}
CYCLE = {
    "cycle": 11,
    "society": {"revision": {"alignment": 5.25, "engagement": None}},
    "held_out": {aspect: {"difference": LOSS} for aspect in ("alignment", "engagement")},
}
LENGTHS = {"median": 53, "p95": 1192, "max": 12_238}
DATA = {
    "sources": [{"kind": "interactions", "read": 234, "kept": 134, "dropped": {"left out": 100}}],
    "kinds": {"imitation": 960, "self_critic": 190, "realignment": 190},
    **{"groups": 1340, "candidates": 3230, "dropped": {"empty": 3}, "cut_off": 2640},
    **{"duplicates": 550, "tied": 230, "ratings": {str(n): 100 * n for n in range(1, 8)}},
    **{"group_sizes": {"2": 410, "3": 740}, "contrast": 0.78},
    "lengths": {
        **{"prompt": LENGTHS, "response": LENGTHS, "max_length": 512},
        **{"truncated": 12, "share_truncated": 0.004},
    },
}


def printed(draw: Callable[[Any], None]) -> list[str]:
    file = io.StringIO()
    draw(Terminal(file=file, width=80))
    return file.getvalue().splitlines()


def test_the_held_out_table_has_a_line_for_each_measure() -> None:
    lines = printed(lambda console: report.print_evaluation(console, EVALUATION))
    assert max(map(len, lines)) <= 80
    assert len(lines) == 1 + 2 + len(EVALUATION["table"]) + 1  # type: ignore[arg-type]
    (alignment,) = [line for line in lines if line.startswith("alignment")]
    assert alignment.split("  ")[-1] == "-0.04 [-0.23, +0.15]"
    assert "5.83 [5.68, 5.96]" in alignment


def test_a_training_with_rewards_says_how_they_changed() -> None:
    summary = {"loss_start": 0.2, "loss_end": 0.1, "steps": 2, "seconds": 9.0, "tokens": 800}
    log = [
        {"step": 0, "held_out/reward": 0.3, "held_out/cut_off": 1.0},
        {"step": 1, "reward": 0.25, "society/cut_off": 0.875},
        {"step": 2, "reward": 0.75, "society/cut_off": 0.0},
        {"step": 2, "held_out/reward": 0.9, "held_out/cut_off": 0.0},
    ]
    lines = printed(
        lambda console: report.print_training(console, {**summary, "peak_bytes": 2**30}, log)
    )
    assert lines[1:] == [
        "  in training: reward 0.250 > 0.750, share cut off 0.875 > 0.000",
        "  on held-out questions: reward 0.300 > 0.900, share cut off 1.000 > 0.000",
    ]


def test_the_table_of_cycles_has_a_line_for_each_cycle() -> None:
    lines = printed(lambda console: report.print_cycles(console, [CYCLE, CYCLE]))
    assert max(map(len, lines)) <= 80
    assert sum("-0.04 [-0.23, +0.15]" in line for line in lines) == 2


def test_the_table_of_rounds_has_a_line_for_each_round() -> None:
    interactions = play(society(n_rounds=3)).interactions
    lines = printed(lambda console: report.print_rounds(console, interactions))
    assert [line.split()[0] for line in lines[-3:]] == ["0", "1", "2"]
    assert max(map(len, lines)) <= 80


def test_the_report_on_data_keeps_its_words_whole() -> None:
    lines = printed(lambda console: print_report(console, DATA))
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for words in ("1: 100, 2: 200", "median 53, 95 % up to 1192, longest 12238", "2640 cut off"):
        assert words in text


def test_speeds_keep_their_numbers_whole() -> None:
    row = Measurement(
        "memories", "recall, 100,000 memories of an agent", 1234.5, "times", Goal(1000)
    )
    lines = printed(lambda console: show(console, [row]))
    assert max(map(len, lines)) <= 80
    assert "1,234 times" in "\n".join(lines) or "1,235 times" in "\n".join(lines)


def test_a_path_is_one_line_however_long(tmp_path: Path) -> None:
    path = tmp_path / "/".join(["a long folder"] * 12)
    assert printed(lambda console: print_path(console, "output", path)) == [f"output: {path}"]


def test_an_extract_gives_way_to_numbers_and_ids() -> None:
    def draw(console: Any) -> None:
        made = table("id", "rating", "question", numbers=("rating",), whole=("id",))
        made.add_row("world_12/10/social_100", "5.25", extract("Why \x1b[2J is it? " * 50))
        console.print(made)

    *_, line = printed(draw)
    assert len(line) == 80
    assert line.startswith("world_12/10/social_100    5.25  Why is it? Why")
    assert line.endswith("…")


@pytest.mark.parametrize("command", ["policies", "sweeps"])
def test_lists_fit(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main([command]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_models_side_by_side_have_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("the_base_model", "the_first_aligned_model", "the_second_aligned_model")
    for name in names:
        folder = tmp_path / name
        folder.mkdir()
        estimate = {"mean": 0.75, "low": 0.62, "high": 0.87, "n": 40, "chance": 0.5}
        about = {"what": "the chosen reply is likelier", "better": "higher"}
        results = {"model": name, "made_with": {}, "judge": None}
        benchmarks = {"hh": {"acc": {**estimate, **about}}}
        (folder / "results.json").write_text(json.dumps({**results, "benchmarks": benchmarks}))
        items = [
            {"benchmark": "hh", "item": str(n), "part": "choice", "group": None}
            | {"scores": {"acc": float(n % 2)}}
            for n in range(40)
        ]
        (folder / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["compare", *(str(tmp_path / name) for name in names)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[: 2 + len(names)])) <= 80
    for name in names:
        assert sum(name in line for line in lines) == 1
    assert any("0.750 [+0.000: +0.000 to +0.000]" in line for line in lines)
    assert any("chance 0.500, n 40" in line for line in lines)


def test_pairs_of_answers_fit_and_say_which_norms_they_follow() -> None:
    hostile = "[red]\x1b[31m\u202eHello[/] " * 50_000
    row = {
        "question": hostile,
        "sample": 0,
        "base": {"answer": hostile, "alignment": 1.0, "norms": {"asks_back": False}},
        "aligned": {"answer": "", "alignment": None, "norms": {"asks_back": True, "brief": True}},
    }
    lines = printed(lambda console: report.print_answers(console, [row], 0))
    assert max(map(len, lines)) <= 80
    assert len(lines) < 120
    shown = "\n".join(lines)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    for words in (
        "[red]Hello[/]",
        "breaks asks_back",
        "follows asks_back, brief",
        "(empty)",
        "[...]",
    ):
        assert words in shown


def test_a_verdict_is_a_sentence_for_each_witness() -> None:
    rows = {"base": RATING, "aligned": RATING, "difference": LOSS}
    gain = {**rows, "difference": {"mean": 1.79, "low": 1.38, "high": 2.16}}
    summary = {"norms": {"brief": gain}, "table": {"combined": gain, "embedded_alignment": rows}}
    by_norms, by_witness = verdict_lines(summary)
    assert by_norms.startswith(
        "by the norms: the aligned model follows more (the interval excludes"
    )
    assert by_norms.endswith("rating +1.79 [+1.38, +2.16]")
    assert "the weaker witness: alignment -0.04 [-0.23, +0.15], no difference" in by_witness
    assert not list(verdict_lines({**summary, "norms": {}}))
