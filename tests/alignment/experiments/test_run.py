"""A tiny experiment from its society to its table, stopped and resumed."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from social_sandbox.alignment import cli
from tests.helpers.small_job import small_job


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of an experiment with one society and two cells of a tiny model."""
    monkeypatch.chdir(tmp_path)
    job = [o for o in small_job(tmp_path) if not o.startswith(("observer=", "progress="))]
    own = ["settings=[sft-*,rrhf-*]", "values=[300]", "seeds=[0]", "evaluate.answers_only=false"]
    return [
        "reproduce",
        "methods",
        *own,
        *job,
        "wandb=disabled",
        "progress=false",
        "output_dir=out",
    ]


def times(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.glob("**/*.json*")
    }


def test_a_killed_experiment_goes_on_where_it_stopped(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "social_sandbox.alignment.cli", *tiny]
    first = tmp_path / "out/cells/asks_back+brief/sft-300/seed_0"
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (first / "part.json").exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        errors = process.stderr.read()
    assert process.returncode == 143, errors
    assert "nothing is lost" in errors
    assert not (tmp_path / "out/table.json").exists()
    before = times(first)

    assert cli.main(tiny) == 0
    assert times(first) == before
    shown = capsys.readouterr().out
    assert "rrhf-300/seed_0: " in shown
    assert "sft-300/seed_0: " not in shown
    _check_results(tmp_path / "out")

    # A table says so where its parts were made by different commits.
    record = first / "alignment" / "stage.json"
    record.write_text(
        re.sub(r'"commit": ("\w+"|null)', '"commit": "abcdef0123"', record.read_text())
    )
    assert cli.main(tiny) == 0
    assert "abcdef0" in (tmp_path / "out/table.md").read_text()
    capsys.readouterr()

    assert cli.main([*tiny, "method.batch_size=3"]) == 2
    refused = capsys.readouterr().err
    assert refused.count("\n") == 1
    assert "output_dir: out was made with other settings" in refused
    other = [word for word in tiny if not word.startswith(("values=", "settings="))]
    assert cli.main(["reproduce", "loss", *other[2:]]) == 2
    assert "output_dir: out holds the experiment methods" in capsys.readouterr().err


def _check_results(out: Path) -> None:
    table = json.loads((out / "table.json").read_text())
    rows = {row["setting"]: row for row in table["rows"]}
    assert list(rows) == ["base", "sft-300", "rrhf-300"]
    difference = rows["rrhf-300"]["measures"]["adherence"]["difference"]
    assert difference["low"] <= difference["mean"] <= difference["high"]
    assert rows["sft-300"]["measures"]["adherence"]["difference"] is None
    assert rows["sft-300"]["measures"]["tokens"]["estimate"]["mean"] > 0
    assert rows["sft-300"]["measures"]["perplexity"]["estimate"]["mean"] > 1
    assert any("Tokens to the adherence" in remark for remark in table["remarks"])
    text = (out / "table.md").read_text()
    assert "| rrhf-300 |" in text
    assert "social-sandbox reproduce methods" in text
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    commands = (out / "commands.sh").read_text()
    assert commands.count("\nsocial-sandbox ") == 2 + 2 * 2
    # Both cells have measured the base model, which was asked once.
    assert len(list((out / "measured").glob("*.json"))) == 3
    assert not list(out.glob("cells/**/model.safetensors"))


def test_parts_run_side_by_side(tiny: list[str], tmp_path: Path) -> None:
    moved = ["jobs=2", "keep_models=true", "markdown=methods.md", "output_dir=größe, a=1"]
    assert cli.main([*tiny, *moved]) == 0
    (tmp_path / "größe, a=1").rename(tmp_path / "out")
    table = json.loads((tmp_path / "out/table.json").read_text())
    assert [row["seeds"] for row in table["rows"]] == [[0], [0], [0]]
    assert len(list((tmp_path / "out").glob("cells/**/model.safetensors"))) == 2
    assert "![methods](methods.png)" in (tmp_path / "methods.md").read_text()
    assert (tmp_path / "methods.png").exists()


def test_a_part_that_fails_is_named(tiny: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [
        word if not word.startswith("base_model=") else "base_model=nowhere/x" for word in tiny
    ]
    assert cli.main([*wrong, "base_model=/nowhere/model"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("cells/asks_back+brief/")
    assert "base_model" in error


def test_the_help_names_experiments_settings_and_cells(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reproduce", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("methods", "adversarial", "seeds", "keep_models"))
    assert cli.main(["reproduce", "loss", "--help"]) == 0
    assert "mis_indexed_margins" in capsys.readouterr().out
    assert cli.main(["reproduce", "nothing", "--help"]) == 2
