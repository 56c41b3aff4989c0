"""Requests by OpenAI's own library, which must be told the same things by the same servers."""

from typing import Any

import openai
import pytest

from social_sandbox.envs import UserError
from social_sandbox.policies.openai.http import rates
from social_sandbox.policies.openai.policy import OpenAIPolicy
from tests.helpers.servers.api_server import says, server
from tests.policies.openai.http.test_client import RATED, TURN, error


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_LONGEST_PAUSE", 0.01)


def policy(url: str, **settings: Any) -> OpenAIPolicy:
    return OpenAIPolicy("m", base_url=url, **settings)


def test_both_libraries_send_the_same_requests_and_read_the_same_answers() -> None:
    heard: dict[str, list[dict[str, Any]]] = {"aiohttp": [], "openai": []}
    answers = {}
    for library, requests in heard.items():

        def answer(request: dict[str, Any], requests: list[dict[str, Any]] = requests) -> Any:
            requests.append(request)
            return says("Rating: 5 ### Reason: Kind.")

        with server(answer) as url:
            asked = policy(
                f"{url}?version=2",
                client=library,
                ratings="text",
                extra={"extra_headers": {"X-A": "b"}},
            )
            answers[library] = asked.act([TURN, RATED])
    assert answers["aiohttp"] == answers["openai"]

    def sent(requests: list[dict[str, Any]]) -> list[Any]:
        rows = []
        for request in requests:
            head = request.pop("heard")
            names = ("authorization", "x-a", "content-type")
            rows.append((head["path"], [head["headers"].get(name) for name in names], request))
        return sorted(rows, key=str)

    assert sent(heard["aiohttp"]) == sent(heard["openai"])


def test_a_program_can_bring_its_own_client() -> None:
    with server(lambda request: says(request["model"])) as url:
        client = openai.AsyncOpenAI(api_key="x", base_url=url, max_retries=0)
        (utterance,) = OpenAIPolicy("m", base_url="http://127.0.0.1:9/v1", client=client).act(
            [TURN]
        )
    assert utterance.text == "m"


def test_a_library_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(UserError, match=r"policy.client: must be aiohttp or openai, got 'curl'"):
        policy("http://h/v1", client="curl")


def test_failures_that_pass_are_retried() -> None:
    left = [error(503, "busy"), error(429, "slow down")]
    with server(lambda request: left.pop() if left else says("No.")) as url:
        (utterance,) = policy(url, client="openai").act([TURN])
    assert utterance.text == "No."
    assert not left


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": "http://127.0.0.1:9/v1"}, "policy.base_url"),
        ({"base_url": "http://example.test/v1"}, "HTTP_PROXY"),
    ],
)
def test_a_server_that_is_not_there_is_one_line(
    settings: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "test" in settings["base_url"]:
        monkeypatch.setenv("HTTP_PROXY", "foo://u:SECRET1@h:1")
        monkeypatch.setenv("http_proxy", "foo://u:SECRET1@h:1")
    asked = OpenAIPolicy("m", client="openai", max_retries=0, **settings)
    with pytest.raises(UserError, match=words) as raised:
        asked.check()
    assert "SECRET1" not in str(raised.value)
    assert "\n" not in str(raised.value)
