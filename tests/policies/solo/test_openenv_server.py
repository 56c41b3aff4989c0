import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("openenv", reason="needs the extra openenv")

import uvicorn

from social_sandbox.policies.society.solo import SoloEnv
from social_sandbox.policies.solo.openenv_server import Said, SoloClient, make_app

RULES: dict[str, Any] = {"grid_size": 2, "n_rounds": 1, "memory": False}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(make_app(**RULES), port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def test_a_client_plays_the_society_of_its_seed(url: str) -> None:
    env = SoloEnv(**RULES)
    observation, _ = env.reset(seed=11)
    with SoloClient(base_url=url).sync() as client:
        result = client.reset(seed=11)
        while True:
            assert result.observation.question == observation["question"]
            assert result.observation.phase == observation["phase"]
            assert result.observation.feedback == observation["feedback"]
            if result.done:
                break
            said = "I care about you."
            observation, reward, terminated, _, _ = env.step({"text": said, "rating": 0.0})
            result = client.step(Said(text=said))
            assert result.reward == pytest.approx(reward)
            assert result.done == terminated
        assert client.state().step_count > 1


def test_sessions_side_by_side_do_not_disturb_each_other(url: str) -> None:
    with SoloClient(base_url=url).sync() as one, SoloClient(base_url=url).sync() as other:
        first, second = one.reset(seed=1).observation, other.reset(seed=2).observation
        one.step(Said(text="Hello."))
        assert first.question != second.question
        assert other.state().step_count == 0
        assert one.reset(seed=1).observation == first


def test_an_action_outside_the_space_is_named(url: str) -> None:
    with SoloClient(base_url=url).sync() as client:
        client.reset(seed=1)
        with pytest.raises(Exception, match="rating must be 0"):
            client.step(Said(rating=99))


def test_the_server_is_valid_by_openenvs_own_command(url: str) -> None:
    command = "from openenv.cli.__main__ import main; main()"
    arguments = [sys.executable, "-c", command, "validate", "--url", url, "--json"]
    process = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    report = json.loads(process.stdout[process.stdout.index("{") :])
    assert process.returncode == 0, report
    assert report["passed"], report
