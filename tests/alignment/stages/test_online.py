"""Societies and alignment in turn, with a tiny model that plays and is aligned."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from social_sandbox.alignment import cli
from tests.helpers.online import SETTINGS, write_inputs
from tests.helpers.wandb_file import offline_runs

FAST = ["policy=huggingface", "policy.max_new_tokens=8", *SETTINGS]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["social-sandbox"])
    write_inputs(tokenizer)
    return tmp_path


def run(*overrides: str) -> int:
    return cli.main(["online", *FAST, "base_model=tiny", *overrides])


def weights(folder: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(folder / "alignment/model/model.safetensors")["model.norm.weight"]


def test_each_society_is_played_by_the_model_of_the_cycle_before(here: Path) -> None:
    assert run() == 0
    cycles = json.loads((here / "out/cycles.json").read_text())
    assert [cycle["model"] for cycle in cycles] == [
        f"out/cycle_{number}/alignment/model" for number in range(2)
    ]
    records = [
        json.loads((here / f"out/cycle_{number}/{stage}/stage.json").read_text())["settings"]
        for number in range(2)
        for stage in ("simulation", "alignment", "evaluation")
    ]
    first, first_aligned, _, second, second_aligned, second_evaluated = records
    assert (first["policy"]["model"], first_aligned["base_model"]) == ("tiny", "tiny")
    trained = "out/cycle_0/alignment/model"
    assert (second["policy"]["model"], second_aligned["base_model"]) == (trained, trained)
    assert second_evaluated["base_model"] == "tiny"
    assert first["seed"] != second["seed"]
    assert not torch.equal(weights(here / "out/cycle_0"), weights(here / "out/cycle_1"))
    assert (here / "out/figures/cycles.png").stat().st_size > 1000
    # Two aligned models, and the base model once for both cycles.
    assert len(list((here / "out/measured").glob("*.json"))) == 3


def test_a_stopped_run_goes_on_with_the_cycle_that_is_missing(here: Path) -> None:
    assert run("cycles=1") == 0
    changed = (here / "out/cycle_0/alignment/stage.json").stat().st_mtime_ns
    assert run() == 0
    assert (here / "out/cycle_0/alignment/stage.json").stat().st_mtime_ns == changed
    assert len(json.loads((here / "out/cycles.json").read_text())) == 2


def test_wandb_is_told_of_each_cycle_once_and_after_the_one_before(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    # `tracked` sets them for the process.
    monkeypatch.setenv("WANDB_DATA_DIR", "")
    monkeypatch.setenv("WANDB_DISABLE_WEAVE", "true")
    for _ in range(2):
        assert run("wandb=offline", "method.logging_steps=1") == 0
        time.sleep(1)  # wandb names a try's folder by the second
    first, again = offline_runs(here / "out")

    def counted(axis: str) -> list[Any]:
        return [row[axis] for row in first.rows if axis in row]

    assert counted("train/global_step") == sorted(counted("train/global_step"))
    assert set(counted("train/global_step")) == {1, 2, 3, 4}
    assert counted("env/round") == [0, 1]
    assert set(counted("eval/cycle")) == {0, 1}
    spent = [row["spent/interactions"] for row in first.rows if "spent/interactions" in row]
    assert spent == sorted(spent)
    assert (spent[0], spent[-1]) == (1, 8)
    last = [row for row in first.rows if row.get("spent/interactions") == 8][-1]
    cycles = [json.loads((here / f"out/cycle_{n}/simulation/stage.json").read_text()) for n in "01"]
    costs = [c for cycle in cycles for c in cycle["summary"]["spent"].values()]
    tokens = sum(v for name, v in last.items() if name.endswith("/completion"))
    assert tokens == sum(cost["completion"] for cost in costs)

    assert len(first.artifacts) > 8
    assert again.id == first.id
    assert not again.artifacts
    assert [row for row in again.rows if any("/" in name for name in row)] == []


def test_a_budget_is_of_all_cycles_together(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cycles=1") == 0
    record = json.loads((here / "out/cycle_0/simulation/stage.json").read_text())
    spent = sum(c["prompt"] + c["completion"] for c in record["summary"]["spent"].values())
    capsys.readouterr()
    assert run(f"budget.tokens={spent}") == 3
    assert f"{spent:,.6g} of {spent:,.6g} spent" in capsys.readouterr().err
    assert not (here / "out/cycle_1").exists()
    assert run(f"budget.tokens={spent + 1}") == 3
    assert "of 1 spent, which is what earlier cycles had left" in capsys.readouterr().err
    assert run(f"budget.tokens={3 * spent}") == 0


def test_a_cycle_made_anew_takes_the_later_ones_with_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    assert run("method.learning_rate=0.01", "overwrite=true", "cycles=2") == 0
    assert run("method.learning_rate=0.01") == 0
    import shutil

    shutil.rmtree(here / "out/cycle_0")
    assert run("method.learning_rate=0.01") == 2
    assert "cycle_1 was made after another cycle 0" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["policy=scripted"],
            "policy: online needs one model that plays, such as policy=huggingface",
        ),
        (["policy.model=other"], "base_model=other starts from another one"),
        (["policy.adapter=other"], "policy.adapter: online"),
        (["groups=questions.jsonl"], "groups: online makes its own"),
        (["evaluate.model=tiny"], "evaluate.model: online evaluates the model of each cycle"),
        (["evaluate.benchmarks=[hhh]"], "evaluate.benchmarks: online asks the held-out"),
        (["method=online"], "method: no choice 'online', which is a command: social-sandbox on"),
        (["cycles=0"], "cycles: must be at least 1"),
    ],
)
def test_what_cannot_alternate_is_said(
    overrides: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fast = [o for o in FAST if not (o.startswith("policy") and overrides[0] == "policy=scripted")]
    assert cli.main(["online", *fast, "base_model=tiny", *overrides]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
