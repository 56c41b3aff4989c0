"""The stage of held-out results, on a model that is made in the tests."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from social_sandbox.alignment import cli
from social_sandbox.alignment.evaluation import held_out
from social_sandbox.alignment.stages.inputs import asked_questions
from social_sandbox.policies.huggingface import policy
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy

from ....helpers.small_job import settings_of, small_job

SEPARATORS = "one\u2028two\u2029three\x85four"
"""Ends a line for `str.splitlines`, and none of a file with JSON lines."""


def test_answers_with_line_separators_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    generate = HuggingFacePolicy.generate

    def with_separators(speaker: Any, *args: Any) -> Any:
        return [replace(one, text=SEPARATORS + one.text) for one in generate(speaker, *args)]

    monkeypatch.setattr(HuggingFacePolicy, "generate", with_separators)
    job = [*small_job(tmp_path), "wandb=disabled", "output_dir=out", "evaluate.model=tiny"]
    assert cli.main(["evaluate", *job]) == 0
    file = tmp_path / "out/evaluation/answers.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").rstrip("\n").split("\n")]
    assert len(rows) == 3
    assert all(row["aligned"]["answer"].startswith(SEPARATORS) for row in rows)
    monkeypatch.setattr(held_out, "answered", None)
    # A finished evaluation reads its answers again, and so do the figures.
    assert cli.main(["evaluate", *job]) == 0
    assert cli.main(["figures", *job]) == 0


@pytest.mark.embedded
def test_the_embedded_observer_is_a_second_witness_beside_another_observer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    job = [*small_job(tmp_path), "wandb=disabled", "output_dir=out", "evaluate.model=tiny"]
    assert cli.main(["evaluate", *job, "evaluate.embedded_observer=true"]) == 0
    shown = capsys.readouterr().out
    table = json.loads((tmp_path / "out/evaluation/results.json").read_text())["table"]
    embedded = table["embedded_alignment"]["base"]["mean"]
    assert 1 <= embedded <= 7
    assert embedded != table["alignment"]["base"]["mean"]
    assert "embedded" in shown
    row = json.loads((tmp_path / "out/evaluation/answers.jsonl").read_text().split("\n")[0])
    assert row["aligned"].keys() >= {"alignment", "embedded_alignment", "embedded_engagement"}


def test_answers_alone_are_measured_without_likelihoods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    job = [*small_job(tmp_path), "wandb=disabled", "output_dir=out", "evaluate.model=tiny"]
    assert cli.main(["evaluate", *job, "evaluate.answers_only=true"]) == 0
    results = json.loads((tmp_path / "out/evaluation/results.json").read_text())
    assert list(results["table"]) == ["alignment", "engagement", "combined"]


def test_another_observer_rates_the_answers_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    job = [*small_job(tmp_path), "wandb=disabled", "output_dir=out", "evaluate.model=tiny"]
    assert cli.main(["evaluate", *job]) == 0
    first = (tmp_path / "out/evaluation/answers.jsonl").read_text()
    monkeypatch.setattr(HuggingFacePolicy, "generate", None)
    again = [*(o for o in job if not o.startswith("observer=")), "observer=norms", "overwrite=true"]
    assert cli.main(["evaluate", *again]) == 0
    rows = [json.loads(line) for line in first.splitlines()]
    others = (tmp_path / "out/evaluation/answers.jsonl").read_text().splitlines()
    assert [row["base"]["answer"] for row in rows] == [
        json.loads(line)["base"]["answer"] for line in others
    ]
    assert all("norms" in json.loads(line)["aligned"] for line in others)


def test_answers_of_both_models_are_shown_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    generate = HuggingFacePolicy.generate

    def hostile(speaker: Any, *args: Any) -> Any:
        text = "[red]\x1b[31mHello\u202e[/]"
        return [replace(one, text=text) for one in generate(speaker, *args)]

    monkeypatch.setattr(HuggingFacePolicy, "generate", hostile)
    job = [*small_job(tmp_path), "wandb=disabled", "output_dir=out", "evaluate.model=tiny"]
    assert cli.main(["evaluate", *job]) == 0
    shown = capsys.readouterr().out
    assert shown.count("[red]Hello[/]") == 6
    assert "base, rated" in shown
    assert "\u202e" not in shown


def test_models_are_evaluated_on_the_device_of_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    devices = []

    class Recorded(HuggingFacePolicy):
        def __init__(self, *args: Any, **settings: Any) -> None:
            devices.append(settings["device"])
            super().__init__(*args, **settings)

    monkeypatch.setattr(policy, "HuggingFacePolicy", Recorded)
    job = [*small_job(tmp_path), "wandb=disabled", "method.device=cpu", "evaluate.model=tiny"]
    assert cli.main(["evaluate", *job]) == 0
    assert set(devices) == {"cpu"}


TEMPLATE = "{% for m in messages %}{{ m.role }} says: {{ m.content }}\n{% endfor %}yes of course: "


def test_both_models_are_measured_with_the_given_chat_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    job = [*small_job(tmp_path), "wandb=disabled", "evaluate.model=aligned"]
    (tmp_path / "template.jinja").write_text(TEMPLATE)
    # Training without an effect: the aligned model differs from the base in its template alone.
    shutil.copytree(tmp_path / "tiny", tmp_path / "aligned")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "aligned")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(tmp_path / "aligned")

    def margins(folder: str, *overrides: str) -> list[list[float]]:
        assert cli.main(["evaluate", *job, f"output_dir={folder}", *overrides]) == 0
        measured = [
            json.loads(file.read_text()) for file in (tmp_path / folder / "measured").glob("*.json")
        ]
        return [results["good_margins"] for results in measured]

    base, aligned = margins("own")
    assert base != aligned
    base, aligned = margins("given", "chat_template=template.jinja")
    assert base == aligned
    # Settings without a template stand for other results.
    assert cli.main(["evaluate", *job, "output_dir=given"]) == 2


def test_a_number_of_questions_is_taken_from_the_whole_file() -> None:
    whole = [question.text for question in asked_questions(settings_of([]))]
    some = [q.text for q in asked_questions(settings_of(["evaluate.n_questions=8"]))]
    places = [whole.index(text) for text in some]
    assert len(some) == 8
    assert {b - a for a, b in pairwise(places)} <= {len(whole) // 8, len(whole) // 8 + 1}
    more = asked_questions(settings_of(["evaluate.n_questions=1000"]))
    assert [question.text for question in more] == whole
