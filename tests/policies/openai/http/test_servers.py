"""Several servers for one policy, and fields of requests that differ by phase."""

import logging
import threading
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from social_sandbox.envs import Message, Phase, UserError
from social_sandbox.policies import Population, ScriptedPolicy, background, rollout
from social_sandbox.policies.openai.config import ApiConfig
from social_sandbox.policies.openai.http import rates, servers
from social_sandbox.policies.openai.http.client import ApiClient
from social_sandbox.policies.openai.policy import OpenAIPolicy
from social_sandbox.policies.society.account import Account
from tests.helpers.servers.api_server import says, server

from ...conftest import society

DEAD = "http://127.0.0.1:9/v1"
Request = dict[str, Any]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(servers, "_FIRST_REST", 0.05)


def answer(request: Request) -> tuple[int, Any]:
    if "Reply in JSON" in request["messages"][-1]["content"]:
        return says('{"rating": 5, "reason": "Kind."}')
    return says("Ask her first.")


def ask_all(client: ApiClient, n: int, **how: Any) -> list[str]:
    async def many() -> list[str]:
        import asyncio

        asked = (
            client.chat([Message("user", f"{number}?")], seed=1, max_tokens=9, sampling={}, **how)
            for number in range(n)
        )
        return [reply.text for reply in await asyncio.gather(*asked)]

    return background.run(many())


def test_the_least_busy_server_is_asked() -> None:
    heard: Counter[str] = Counter()

    def slow(request: Request) -> tuple[int, Any]:
        heard["slow"] += 1
        time.sleep(0.3)
        return says("slow")

    def quick(request: Request) -> tuple[int, Any]:
        heard["quick"] += 1
        time.sleep(0.01)
        return says("quick")

    with server(slow) as one, server(quick) as other:
        client = ApiClient(ApiConfig(model="m", base_url=[one, other], max_concurrency=4))
        ask_all(client, 1)
        assert len(ask_all(client, 24)) == 24
    # Each gets as many at once; whoever answers sooner is asked more often.
    assert heard["quick"] > 2 * heard["slow"] > 0


def test_a_server_that_dies_is_left_out_and_asked_again_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "social_sandbox")
    dead, heard = threading.Event(), Counter[str]()

    def frail(request: Request) -> tuple[int, Any]:
        heard["frail"] += 1
        return (503, {"error": {"message": "loading"}}) if dead.is_set() else says("frail")

    def sound(request: Request) -> tuple[int, Any]:
        heard["sound"] += 1
        return says("sound")

    with server(frail) as one, server(sound) as other:
        client = ApiClient(ApiConfig(model="m", base_url=[one, other], max_concurrency=8))
        ask_all(client, 8)
        assert heard["frail"] > 0
        dead.set()
        before = Counter(heard)
        assert set(ask_all(client, 20)) == {"sound"}
        assert 0 < heard["frail"] - before["frail"] < 10
        assert f"policy: {one} is left out for a while (503: loading)" in caplog.messages
        dead.clear()
        until = time.monotonic() + 20
        while "frail" not in ask_all(client, 20):
            assert time.monotonic() < until
        assert f"policy: {one} answers again" in caplog.messages


def test_a_society_is_played_although_one_server_is_dead_and_its_account_is_one() -> None:
    with server(answer) as one, server(answer) as other:
        policy = OpenAIPolicy("m", base_url=[DEAD, one, other])
        policy.check()
        world = society(n_rounds=1)
        interactions = rollout([world], Population(social=policy, observer=ScriptedPolicy()))
    assert len(interactions) == 4
    assert all(one.revision.text == "Ask her first." for one in interactions)
    account = Account.of([world])
    assert set(account.by_policy) == {"m", "scripted"}
    assert account.by_policy["m"].requests >= 16


def test_servers_of_which_none_answers_end_the_run_with_one_line() -> None:
    other = "http://127.0.0.1:7/v1"
    policy = OpenAIPolicy("m", base_url=[DEAD, other], max_retries=1)
    with pytest.raises(UserError, match=r"policy\.base_url: cannot reach http://127\.0\.0\.1:\d"):
        policy.check()


def test_a_server_without_the_model_is_named_before_the_first_turn() -> None:
    def lacks(request: Request) -> tuple[int, Any]:
        return 404, {"error": {"message": "The model `m` does not exist."}}

    with server(answer) as one, server(lacks) as other:
        policy = OpenAIPolicy("m", base_url=[one, other])
        with pytest.raises(UserError, match=rf"policy\.model: {other} has no model 'm'"):
            policy.check()


def test_a_failure_of_the_request_leaves_no_server_out() -> None:
    def strict(request: Request) -> tuple[int, Any]:
        return 400, {"error": {"message": "bad"}}

    with server(strict) as one, server(strict) as other:
        client = ApiClient(ApiConfig(model="m", base_url=[one, other]))
        with pytest.raises(Exception, match="rejected the request"):
            ask_all(client, 1)
        assert all(each.is_open for each in client.servers)


def test_fields_of_a_phase_are_sent_in_this_phase_alone() -> None:
    heard: list[Request] = []

    def listening(request: Request) -> tuple[int, Any]:
        heard.append(request)
        return answer(request)

    extra = {
        "top_k": 50,
        "extra_headers": {"X-Team": "a"},
        "draft": {"temperature": 1.5, "extra_headers": {"X-Phase": "draft"}},
        "feedback": {"top_k": 1},
    }
    with server(listening) as url:
        policy = OpenAIPolicy("m", base_url=url, extra=extra, ratings="json_schema")
        rollout([society(n_rounds=1)], Population(social=policy, observer=ScriptedPolicy()))
    rated = [each for each in heard if "response_format" in each]
    revised = [each for each in heard if each["messages"][0]["role"] == "system"]
    drafts = [each for each in heard if each not in rated and each not in revised]
    assert len(drafts) == len(revised) == 4
    assert rated

    def sent(requests: list[Request], *names: str) -> set[Any]:
        return {tuple(each.get(name) for name in names) for each in requests}

    assert sent(drafts, "temperature", "top_k") == {(1.5, 50)}
    assert sent(rated, "temperature", "top_k") == {(0.7, 1)}
    assert sent(revised, "temperature", "top_k") == {(0.7, 50)}

    def headers(requests: list[Request], name: str) -> set[str | None]:
        found = [{k.lower(): v for k, v in r["heard"]["headers"].items()} for r in requests]
        return {each.get(name) for each in found}

    assert headers(heard, "x-team") == {"a"}
    assert headers(drafts, "x-phase") == {"draft"}
    assert headers(rated + revised, "x-phase") == {None}
    assert not any(phase.value in each for each in heard for phase in Phase)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"base_url": []}, "policy.base_url: the list is empty"),
        ({"base_url": [DEAD, DEAD]}, f"policy.base_url: {DEAD} is named twice"),
        ({"base_url": [DEAD, "host:80"]}, r"policy.base_url\[1\] must begin with http"),
        ({"extra": {"draft": 3}}, "policy.extra.draft must be a mapping"),
        ({"extra": {"drafts": {"top_k": 3}}}, "policy.extra.drafts: did you mean draft?"),
        ({"extra": {"draft": {"observe": {}}}}, "policy.extra.draft.observe: a phase within"),
        (
            {"extra": {"draft": {"extra_headers": 1}}},
            "policy.extra.draft.extra_headers must be a mapping",
        ),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        OpenAIPolicy("m", **{"base_url": DEAD, **wrong})


def test_what_a_phase_adds_is_secret_as_well() -> None:
    extra = {"draft": {"extra_headers": {"X-Key": "sk-secret"}, "user": "somebody"}}
    config = ApiConfig(model="m", base_url=[DEAD], extra=extra)
    assert {"sk-secret", "somebody"} <= set(config.secrets(""))
    assert replace(config, model="n").of_phase(Phase.DRAFT).headers == {"X-Key": "sk-secret"}
