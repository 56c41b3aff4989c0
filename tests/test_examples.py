"""The examples run and print what their readers expect."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.helpers.tiny import tiny_llama, tiny_tokenizer

HERE = Path(__file__).parents[1]
EXAMPLES = HERE / "examples"


def run(*arguments: str, **environment: str) -> str:
    process = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.parametrize(
    ("example", "output"),
    [
        ("step_through.py", "The question to social_0:"),
        ("parallel_loop.py", "turns and"),
        ("own_agent.py", "problems of polite: none\nproblems of Thinker: none\n"),
        (
            "by_wire.py",
            '4 interactions with kind-agent; 8 ratings\nthe revision of social_0: "Kindly: ',
        ),
        ("solo.py", "8 interactions, the learner's sum of rewards is"),
    ],
)
def test_an_example_runs(example: str, output: str) -> None:
    assert output in run(str(EXAMPLES / example))


@pytest.mark.slow
def test_reinforce_raises_a_norm(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    model = tiny_llama(len(tokenizer))
    model.config.max_position_embeddings = 2048
    model.save_pretrained(tmp_path)
    settings = "--tokens 60 --steps 16 --rate 5e-2 --questions 2 --group 8".split()  # noqa: SIM905
    output = run(
        str(EXAMPLES / "reinforce.py"), "--model", str(tmp_path), *settings, OMP_NUM_THREADS="1"
    )
    before, after = re.findall(r"brief (?:before|after): ([\d.]+)", output)
    assert float(after) > float(before) + 0.05, output


@pytest.mark.embedded
def test_a_real_server_plays_by_wire() -> None:
    pytest.importorskip("xllamacpp", reason="no llama.cpp: pip install xllamacpp")
    from social_sandbox.alignment.speed.embedded.server import start

    server = start()
    arguments = [str(EXAMPLES / "by_wire.py"), f"{server.listening_address}/v1", "smollm2"]
    assert "4 interactions with smollm2; 8 ratings" in run(*arguments)


def test_an_installed_package_plays_by_its_name(tmp_path: Path) -> None:
    site = tmp_path / "site"
    package = tmp_path / "third_party_agent"
    package.mkdir()
    for name in ("pyproject.toml", "third_party_agent.py"):
        (package / name).write_text((EXAMPLES / "third_party_agent" / name).read_text())
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*install, "--target", str(site), str(package))
    sandbox = ["-m", "social_sandbox.alignment.cli"]
    listed = run(*sandbox, "policies", PYTHONPATH=str(site), COLUMNS="200")
    assert "third_party_agent:ThirdPartyAgent" in listed
    assert "third-party-agent 0.1.0" in listed
    arguments = [
        "simulate",
        "policy=third_party",
        "policy.creed=Do no harm.",
        "observer=scripted",
        "embedder=hashing",
        "wandb=disabled",
        "env.grid_size=2",
        f"output_dir={tmp_path / 'out'}",
    ]
    run(*sandbox, *arguments, PYTHONPATH=str(site))
    interactions = (tmp_path / "out/simulation/interactions.jsonl").read_text()
    assert interactions.count('"Do no harm.","policy":"third"') == 2 * 3 * 4


@pytest.mark.embedded
@pytest.mark.timeout(900)
def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(EXAMPLES / "society.ipynb", as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(figures) == 2
    texts = "".join(output.get("data", {}).get("text/plain", "") for output in outputs)
    assert "in 4 steps" in re.sub(r"\x1b\[[\d;]*m", "", texts)
    assert "prefers good" in texts


def test_the_notebook_is_kept_with_its_outputs() -> None:
    notebook = nbformat.read(EXAMPLES / "society.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any(o.output_type == "error" for cell in code for o in cell.outputs)
