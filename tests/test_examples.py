"""The examples run, and show what they say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
EXAMPLES = HERE / "examples"


def run(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("example", "shows"),
    [
        ("step_through.py", "social_0 is asked:"),
        ("parallel_loop.py", "turns and"),
        ("own_agent.py", "wrong with polite: nothing\nwrong with Thinker: nothing\n"),
        (
            "by_wire.py",
            '4 interactions with kind-agent; 8 ratings; social_0 in the end:\n"Kindly: ',
        ),
        ("solo.py", "8 interactions, the learner was paid"),
    ],
)
def test_an_example_runs(example: str, shows: str) -> None:
    assert shows in run(str(EXAMPLES / example))


@pytest.mark.embedded
def test_a_real_server_joins_by_wire() -> None:
    pytest.importorskip("xllamacpp", reason="no llama.cpp: pip install xllamacpp")
    from social_sandbox.alignment.speed.server import start

    server = start()
    arguments = [str(EXAMPLES / "by_wire.py"), f"{server.listening_address}/v1", "smollm2"]
    assert "4 interactions with smollm2; 8 ratings;" in run(*arguments)


def test_a_package_of_somebody_else_joins_by_its_name(tmp_path: Path) -> None:
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
    written = (tmp_path / "out/simulation/interactions.jsonl").read_text()
    assert written.count('"Do no harm.","policy":"third"') == 2 * 3 * 4
