"""A canary in each place that can hold a secret, and a search of all that a run leaves."""

import os
from pathlib import Path
from typing import Any

import pytest
import wandb

from social_sandbox.alignment import cli
from tests.helpers.servers.api_server import says, server

SMALL = [
    *("observer=scripted", "embedder=hashing", "wandb=offline", "env.grid_size=1", "n_worlds=1"),
    *("env.n_rounds=1", "env.n_peers=0", "env.n_observers=0", "progress=false"),
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with canaries in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_DATA_DIR", "")
    monkeypatch.setenv("WANDB_DISABLE_WEAVE", "true")
    monkeypatch.setenv("OPENAI_API_KEY", "CANARY-key")
    monkeypatch.setenv("HTTP_PROXY", "http://me:CANARY-proxy@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


def command(url: str, *more: str) -> list[str]:
    """A simulation with canaries in the address and in `extra`."""
    address = url.replace("http://", "http://me:CANARY-login@") + "?key=CANARY-query"
    extra = "{extra_headers: {X-Key: CANARY-header}, extra_query: {k: CANARY-2}, top_k: 5}"
    given = ["policy=openai", "policy.model=m", f"policy.base_url='{address}'"]
    return ["simulate", *SMALL, *given, f"policy.extra={extra}", *more]


def found(folder: Path) -> list[str]:
    """The files of a folder that contain a canary."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    return [str(path) for path in files if b"CANARY" in path.read_bytes()]


def answering(request: dict[str, Any]) -> tuple[Any, ...]:
    heard = str(request["heard"])
    assert all(canary in heard for canary in ("CANARY-header", "CANARY-query", "CANARY-2"))
    return says('{"rating": 5}' if "JSON" in str(request["messages"]) else "Yes.")


def test_a_run_its_sweep_and_its_resume_leave_no_secret(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with server(answering) as url:
        assert cli.main(command(url)) == 0
        assert cli.main(["simulate", "--multirun", *command(url, "seed=1,2")[1:]]) == 0
        # Secrets change; the stage is the same.
        changed = [word.replace("CANARY-login", "CANARY-new") for word in command(url)]
        assert cli.main(changed) == 0
    wandb.teardown()
    printed = capfd.readouterr()
    assert "complete, kept" in printed.out
    assert "CANARY" not in printed.out + printed.err
    assert found(here) == []
    assert list(here.rglob("multirun.yaml")) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "policy.extra={extra_headers: {X-Key: CANARY: x}",
        "policy.extra=CANARY-text",
        "policy.extra.extra_headers=CANARY-text",
        "policy.api_key=CANARY-key",
        "policy.api_key_env=sk-CANARY",
        "policy.base_url='localhost/v1?key=CANARY-query'",
        "policy.base_url='http://me:CANARY-login@127.0.0.1:9/v1'",
    ],
)
def test_an_error_quotes_no_secret(wrong: str, capfd: pytest.CaptureFixture[str]) -> None:
    given = command("http://127.0.0.1:9/v1", "policy.max_retries=0", wrong)
    assert cli.main([word for word in given if word.partition("=")[0] != "wandb"]) == 2
    wandb.teardown()
    printed = capfd.readouterr()
    assert printed.err.strip()
    assert "CANARY" not in printed.out + printed.err
