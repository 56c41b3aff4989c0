"""Who worked on a stage, as its record says."""

import json
import subprocess
from pathlib import Path

from rich.console import Console

from social_sandbox.alignment.runtime.attempts import begun, commit, ended, seconds
from social_sandbox.alignment.runtime.stage import RECORD, run_stage


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_of_a_checkout_is_read_from_its_files(tmp_path: Path) -> None:
    main, other = tmp_path / "main", tmp_path / "other"
    main.mkdir()
    git(main, "init", "-q")
    assert commit(main) is None
    git(main, "commit", "-q", "--allow-empty", "-m", "one")
    head = git(main, "rev-parse", "HEAD")
    assert commit(main) == head
    git(main, "pack-refs", "--all")
    assert commit(main) == head
    git(main, "worktree", "add", "-q", "-b", "twin", str(other))
    assert commit(other) == head
    git(other, "checkout", "-q", "--detach")
    assert commit(other) == head
    assert commit(tmp_path) is None


def test_a_stage_records_each_attempt_and_how_long_it_took(tmp_path: Path) -> None:
    def run(fail: bool) -> None:
        def work(folder: Path) -> tuple[dict[str, int], None]:
            (folder / "made").write_text("")
            if fail:
                raise RuntimeError
            return {}, None

        run_stage(
            tmp_path / "stage", {}, lambda: work, overwrite=False, console=Console(quiet=True)
        )

    try:
        run(fail=True)
    except RuntimeError:
        run(fail=False)
    first, second = json.loads((tmp_path / "stage" / RECORD).read_text())["attempts"]
    assert seconds(first) is None
    assert (seconds(second) or 0) >= 0
    assert first["version"]
    assert first["cores"]


def test_a_time_that_cannot_be_read_is_no_duration() -> None:
    assert seconds({"began": "yesterday", "ended": "today"}) is None
    assert (seconds(ended(begun())) or 0) >= 0
