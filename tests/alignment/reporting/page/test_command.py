"""The command `social-sandbox view`."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from social_sandbox.alignment.cli.commands import main
from social_sandbox.envs.rules.interactions import interaction_log

from ....helpers.page_data import read_chunks, read_data
from ....helpers.runs import interactions, write_run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def viewing(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command in a process of its own; give it and the address that it prints."""
    command = [sys.executable, "-m", "social_sandbox.alignment.cli", "view", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process, process.stdout.readline().split()[0]
    finally:
        process.kill()
        process.communicate()


def get(address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_the_path_of_the_page_is_printed(here: Path, capsys) -> None:
    write_run(here / "one")
    assert main(["view", "one", "--no-serve"]) == 0
    assert capsys.readouterr().out == f"{Path('one/page/index.html')}\n"
    html = (here / "one/page/index.html").read_text()
    assert "default-src 'none'" in html
    assert "https://" not in html


def test_the_newest_run_is_shown_where_no_folder_is_named(here: Path, capsys) -> None:
    for name, age in (("new", 0), ("old", 100)):
        folder = write_run(here / "runs" / name, interactions(rounds=1))
        for file in folder.rglob("*"):
            os.utime(file, (time.time() - age, time.time() - age))
    assert main(["view", "--no-serve"]) == 0
    assert capsys.readouterr().out == f"{Path('runs/new/page/index.html')}\n"


def test_the_page_of_several_runs_can_stand_anywhere(here: Path) -> None:
    for name in ("one", "two"):
        write_run(here / name, interactions(rounds=1))
    assert main(["view", "one", "two", "--output", "both", "--no-serve"]) == 0
    assert [run["key"] for run in read_data(here / "both", "index")["runs"]] == ["one", "two"]
    assert not (here / "one/page").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone"], "view: gone does not exist"),
        (["empty"], "view: empty holds no run: give the output_dir of a run, or a file of "),
        ([], "view: no run in ./runs or ./outputs: give a folder, as in view runs/demo"),
        (["one", "--output", "empty/file"], "view: empty/file is no folder"),
        (["one", "--port", "x"], "view: argument --port: must be a whole number from 0 to 65535"),
        (["one", "--nonsense"], "view: unrecognized arguments: --nonsense"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(here: Path, capsys, arguments, message) -> None:
    write_run(here / "one", interactions(rounds=1))
    (here / "empty").mkdir()
    (here / "empty/file").write_text("")
    assert main(["view", *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_leads_to_another_one(here: Path, capsys) -> None:
    folder = write_run(here / "one", interactions(rounds=1))
    folder.chmod(0o500)
    assert main(["view", "one", "--no-serve"]) == 2
    assert "--output FOLDER" in capsys.readouterr().err
    folder.chmod(0o700)


def test_the_server_gives_the_page_and_nothing_else_and_follows_a_simulation(here: Path) -> None:
    finished = interactions(rounds=2)
    log = interaction_log(here / "one/simulation/interactions.jsonl")
    log.path.parent.mkdir(parents=True)
    log.append(finished[:9])
    (here / "one/secret.txt").write_text("secret")
    (here / "one/page/assets").mkdir(parents=True)
    (here / "one/page/assets/style.css").write_text("")
    (here / "one/page/link.txt").symlink_to(here / "one/secret.txt")
    with viewing("one", "--no-browser", "--follow") as (process, address):
        status, headers, body = get(address)
        assert status == 200
        assert b"assets/" in body
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        for path in ("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "link.txt"):
            assert get(address + path)[0] in (400, 404)
        assert get(address, Host="evil.example")[0] == 400
        log.append(finished[9:])
        end = time.monotonic() + 30
        while len(read_data(here / "one/page", "one/table")["id"]) < len(finished):
            assert time.monotonic() < end
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "stopped; one/page/index.html opens without a server\n"
    assert len(read_chunks(here / "one/page", "one/interactions")) == len(finished)
    assert read_data(here / "one/page", "index")["following"] is False
