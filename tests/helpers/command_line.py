"""The command line in this process, with scripted agents and in a folder of its own."""

import json
import sys
from pathlib import Path

import pytest

from social_sandbox.alignment import cli

FAST = [
    "policy=scripted",
    "observer=scripted",
    "embedder=hashing",
    "wandb=disabled",
    "progress=false",
    "n_worlds=2",
    "env.grid_size=2",
    "env.n_rounds=2",
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own; Hydra reads the command line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["social-sandbox"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def run(command: str, *overrides: str) -> int:
    return cli.main([command, *FAST, *overrides])


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
