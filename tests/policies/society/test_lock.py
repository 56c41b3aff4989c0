import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from social_sandbox.envs import Turn, UserError
from social_sandbox.policies import simulate
from social_sandbox.policies.society.lock import locked

from ..conftest import society

HOLD = """
import sys, time
from pathlib import Path
from social_sandbox.policies.society.lock import locked
with locked(Path(sys.argv[1]), "simulate"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_learns_who_holds_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=rf"in use by .* \(process {other.pid}: .*simulate\)"):
            simulate([society()], lambda turn: 4, tmp_path)
        other.kill()
        other.wait()
        # As the kernel does it, there is no lock left to remove.
        with locked(tmp_path):
            pass
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_thread_can_take_its_lock_again_and_another_one_cannot(tmp_path: Path) -> None:
    def take() -> str:
        try:
            with locked(tmp_path):
                return "taken"
        except UserError as error:
            return str(error)

    with locked(tmp_path), ThreadPoolExecutor(1) as pool:
        assert take() == "taken"
        assert "is in use by" in pool.submit(take).result()
    assert take() == "taken"


def test_an_agent_that_plays_in_the_folder_of_its_own_society_is_refused(tmp_path: Path) -> None:
    def agent(turn: Turn) -> str | int:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(simulate, [society()], lambda _: 4, tmp_path).result()
        return 4

    with pytest.raises(UserError, match="in use"):
        simulate([society()], agent, tmp_path)


def test_a_name_that_another_machine_has_left_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with locked(tmp_path):
        holder = (tmp_path / ".lock.json").read_text()
    left = json.loads(holder) | {"host": "node17", "pid": 4}
    (tmp_path / ".lock.json").write_text(json.dumps(left))
    with locked(tmp_path):
        pass
    assert "was in use by process 4 on node17 since" in caplog.text
    assert "whether it lives cannot be known from here" in caplog.text
    caplog.clear()
    # A process of this machine that was killed leaves its name, and the kernel knows better.
    (tmp_path / ".lock.json").write_text(holder)
    with locked(tmp_path):
        pass
    assert not caplog.text


def test_a_patient_process_waits_for_the_lock(tmp_path: Path) -> None:
    def take(patience: float) -> str:
        try:
            with locked(tmp_path, patience=patience):
                return "taken"
        except UserError as error:
            return str(error)

    with ThreadPoolExecutor(1) as pool:
        with locked(tmp_path):
            assert "is in use by" in pool.submit(take, 0.2).result()
            waiting = pool.submit(take, 20.0)
        assert waiting.result() == "taken"
