"""Completion in bash: commands, settings and the choices of groups."""

import os
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-m", "social_sandbox.alignment.cli"]


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("social-sandbox sim", ["simulate"]),
        ("social-sandbox run env.grid", ["env.grid_size="]),
        ("social-sandbox run policy=h", ["policy=huggingface", "policy=human"]),
        ("social-sandbox align method=dpo method.be", ["method.beta="]),
        ("social-sandbox run output_dir=x/lr=0.1 foo=1 env.grid", ["env.grid_size="]),
        ("social-sandbox run output_dir='a", []),
        ("social-sandbox run policy=nope env.grid", []),
        ("social-sandbox observer ", []),
    ],
)
def test_a_line_is_completed(line: str, completions: list[str]) -> None:
    asked = subprocess.run(
        [*PROGRAM, "-sc", "query=bash"],
        env={**os.environ, "COMP_LINE": line, "COMP_POINT": str(len(line))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.split() == completions
    assert not asked.stderr


def test_the_script_completes_in_bash() -> None:
    script = subprocess.run(
        [*PROGRAM, "-sc", "install=bash"], capture_output=True, text=True, check=True
    ).stdout
    assert "complete -o nospace -o default -F hydra_bash_completion social-sandbox" in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
