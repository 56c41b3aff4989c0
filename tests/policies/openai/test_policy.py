"""Against a real server: llama.cpp with the embedded model, and a proxy that makes trouble."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from social_sandbox.envs import Phase, Turn, UserError
from social_sandbox.policies import Population, ScriptedPolicy, rollout, simulate
from social_sandbox.policies.openai.config import ApiConfig
from social_sandbox.policies.openai.http.client import ApiClient
from social_sandbox.policies.openai.policy import OpenAIPolicy
from social_sandbox.policies.society.account import Budget, BudgetReached
from tests.helpers.servers.faulty_proxy import FAULTS, FaultyProxy, faulty_proxy

from ..conftest import society

pytest.importorskip("xllamacpp", reason="no llama.cpp: pip install xllamacpp")
pytestmark = pytest.mark.embedded

# A machine that is busy with other things may need minutes for what else takes a second.
SMALL = {"max_new_tokens": 12, "reason_tokens": 32, "timeout": 600.0}
TURN = Turn(
    id="0/social_0/feedback/social_1",
    world="w",
    round=0,
    agent="social_1",
    subject="social_0",
    phase=Phase.FEEDBACK,
    question="May I read her diary?",
    seed=5,
    answer="No, ask her first.",
)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    from social_sandbox.alignment.speed.embedded.server import start

    running = start(threads=1)
    yield running.listening_address
    del running


@pytest.fixture(scope="session")
def base_url(server: str) -> str:
    return f"{server}/v1"


def population(policy: OpenAIPolicy) -> Population:
    return Population(social=policy, observer=ScriptedPolicy())


def test_a_whole_round_is_played_through_the_server(base_url: str) -> None:
    policy = OpenAIPolicy("smollm2", base_url=base_url, **SMALL)
    interactions = rollout([society(n_rounds=1)], population(policy))
    assert len(interactions) == 4
    for interaction in interactions:
        assert interaction.draft.text
        assert interaction.draft.policy == "smollm2"
        assert interaction.draft.tokens.requests == 1
        assert interaction.draft.tokens.completion > 0
        assert {f.rating for f in interaction.feedback} <= set(range(1, 8))
        assert interaction.revision.tokens.prompt > interaction.draft.tokens.prompt


@pytest.mark.parametrize("rating_scale", [7, 10])
@pytest.mark.parametrize("ratings", ["json_schema", "logprobs", "text"])
def test_a_rating_comes_in_every_form(base_url: str, ratings: Any, rating_scale: int) -> None:
    policy = OpenAIPolicy(
        "smollm2",
        base_url=base_url,
        ratings=ratings,
        reasons=["feedback"] if ratings == "json_schema" else [],
        on_error="missing",
        system_prompt="You are a strict judge.",
        **SMALL,
    )
    (utterance,) = policy.act([replace(TURN, rating_scale=rating_scale)])
    # A model this small does not always keep to the form; then the record says so.
    assert (utterance.rating is None) == utterance.error.startswith("no rating in the answer")
    if utterance.rating is not None:
        assert 1 <= utterance.rating <= rating_scale
    if ratings == "json_schema":
        assert utterance.rating is not None


def test_the_strongest_form_of_the_server_is_determined_once(
    base_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "social_sandbox")
    with faulty_proxy(FaultyProxy(base_url.removesuffix("/v1"), share=0)) as proxy:
        policy = OpenAIPolicy("smollm2", base_url=proxy.url, **SMALL)
        policy.check()
        policy.act([TURN])
    assert caplog.messages == ["policy smollm2: ratings are asked for as json_schema"]
    assert [("response_format" in request) for request in proxy.requests] == [False, True, True]
    assert proxy.requests[-1]["seed"] == TURN.seed


def seconds_of(policy: OpenAIPolicy, n: int) -> float:
    """Return how long the server takes now for as many turns at once."""
    start = monotonic()
    policy.act([replace(TURN, id=f"{number}", seed=number) for number in range(n)])
    return monotonic() - start


def test_a_run_with_network_faults_finishes_every_interaction_once(base_url: str) -> None:
    calm = rollout([society()], ScriptedPolicy())
    seconds = seconds_of(OpenAIPolicy("m", base_url=base_url, ratings="json_schema", **SMALL), 8)
    patience = max(5.0, 4 * seconds)
    faulty = FaultyProxy(base_url.removesuffix("/v1"), share=0.3, stall=patience + 3)
    with faulty_proxy(faulty) as proxy:
        policy = OpenAIPolicy(
            "m", base_url=proxy.url, **{**SMALL, "timeout": patience}, max_retries=8, tries=8
        )
        interactions = rollout([society()], population(policy))
    assert sorted(one.id for one in interactions) == sorted(one.id for one in calm)
    assert len({one.id for one in interactions}) == len(interactions) == 8
    assert set(proxy.made) == set(FAULTS)
    tokens = [answer.tokens for one in interactions for answer in (one.draft, one.revision)]
    tokens += [f.tokens for one in interactions for f in one.feedback]
    assert sum(t.retries for t in tokens) > 0
    # All requests belong to a turn, except those that try the forms of ratings.
    found_out = [r for r in proxy.requests if "Is it fair to share?" in str(r["messages"])]
    assert sum(t.requests for t in tokens) == len(proxy.requests) - len(found_out)


def trouble(base_url: str, status: str, share: float = 1.0) -> FaultyProxy:
    return FaultyProxy(base_url.removesuffix("/v1"), share=share, kinds=(status,))


@pytest.mark.parametrize(
    ("status", "named"),
    [
        ("401", "policy.api_key_env: .* refused the key in OPENAI_API_KEY"),
        ("404", "policy.model: .* has no model 'm'"),
    ],
)
def test_a_permanent_failure_is_named_before_the_first_turn(
    base_url: str, status: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with faulty_proxy(trouble(base_url, status)) as proxy:
        policy = OpenAIPolicy("m", base_url=proxy.url, on_error="missing")
        with pytest.raises(UserError, match=named) as error:
            simulate([society()], population(policy), tmp_path)
    assert "sk-wrong" not in str(error.value)
    assert len(proxy.requests) == 1
    assert not (tmp_path / "utterances.jsonl").exists()


def test_a_missing_host_is_named() -> None:
    policy = OpenAIPolicy("m", base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(UserError, match=r"policy\.base_url: cannot reach http://127\.0\.0\.1:9"):
        policy.check()


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UserError, match="OPENAI_API_KEY is not set"):
        OpenAIPolicy("gpt-5")


def test_a_turn_without_an_answer_is_recorded_as_missing(base_url: str) -> None:
    with faulty_proxy(trouble(base_url, "no choice")) as proxy:
        policy = OpenAIPolicy(
            "m", base_url=proxy.url, ratings="text", tries=2, on_error="missing", **SMALL
        )
        interactions = rollout([society(n_rounds=1)], population(policy))
    assert len(interactions) == 4
    assert {one.draft.error for one in interactions} == {"the server sent no choice"}
    assert {f.rating for one in interactions for f in one.feedback} == {None}
    assert interactions[0].draft.tokens.requests == 2


def test_a_turn_without_an_answer_ends_the_run_and_earlier_answers_are_kept(
    base_url: str, tmp_path: Path
) -> None:
    # The word at the beginning and two of four drafts.
    upset = FaultyProxy(base_url.removesuffix("/v1"), share=1, kinds=("422",), spared=3)
    with faulty_proxy(upset) as proxy:
        policy = OpenAIPolicy("m", base_url=proxy.url, ratings="json_schema", **SMALL)
        with pytest.raises(UserError, match=r"rejected the request \(422: no\)"):
            simulate([society(n_rounds=1)], population(policy), tmp_path)
    logged = (tmp_path / "utterances.jsonl").read_text().splitlines()
    assert len(logged) == 2
    calm = OpenAIPolicy("m", base_url=base_url, ratings="json_schema", **SMALL)
    assert len(simulate([society(n_rounds=1)], population(calm), tmp_path)) == 4
    # A finished log is sorted.
    assert set(logged) <= set((tmp_path / "utterances.jsonl").read_text().splitlines())


def test_a_larger_budget_resumes_a_run(base_url: str, tmp_path: Path) -> None:
    policy = OpenAIPolicy(
        "m", base_url=base_url, usd_per_million_completion_tokens=1e6, max_concurrency=2, **SMALL
    )
    with pytest.raises(BudgetReached, match=r"budget\.usd: .* of 20 spent"):
        simulate([society(n_rounds=1)], population(policy), tmp_path, budget=Budget(usd=20))
    logged = (tmp_path / "utterances.jsonl").read_text().splitlines()
    assert 2 <= len(logged) <= 6
    with pytest.raises(BudgetReached):
        simulate([society(n_rounds=1)], population(policy), tmp_path, budget=Budget(usd=20))
    assert (tmp_path / "utterances.jsonl").read_text().splitlines() == logged
    assert len(simulate([society(n_rounds=1)], population(policy), tmp_path)) == 4


@pytest.mark.parametrize("limit", ["requests_per_minute", "tokens_per_minute"])
def test_rate_limits_are_kept(limit: str) -> None:
    # 1200 a minute are 20 a second: a burst of 20, and 20 more take a second.
    client = ApiClient(ApiConfig(model="m", base_url="http://localhost/v1", **{limit: 1200.0}))
    count = 40 if limit == "requests_per_minute" else 4
    # 16 characters are 4 tokens, and 6 are to come.

    async def send() -> float:
        start = monotonic()
        await asyncio.gather(*(client._wait_for_rate(16, 6) for _ in range(count)))
        return monotonic() - start

    assert 0.9 < asyncio.run(send()) < 30


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_concurrency": 0},
        {"requests_per_minute": 0.0},
        {"timeout": -1.0},
        {"base_url": "localhost:8000"},
        {"reasons": ["draft"]},
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"policy.{next(iter(wrong))}"):
        OpenAIPolicy("m", **{"base_url": "http://localhost/v1", **wrong})
