"""What servers refuse, leave out and say wrongly: the client against a server that is told to."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from social_sandbox.alignment.stages.settings import build
from social_sandbox.envs import Message, Phase, Turn, UserError, Utterance
from social_sandbox.policies import background
from social_sandbox.policies.openai.config import ApiConfig
from social_sandbox.policies.openai.embedder import OpenAIEmbedder
from social_sandbox.policies.openai.http import client as client_module
from social_sandbox.policies.openai.http import rates
from social_sandbox.policies.openai.http.client import ApiClient, Reply
from social_sandbox.policies.openai.http.errors import ApiError, Malformed, Refused
from social_sandbox.policies.openai.policy import OpenAIPolicy
from tests.helpers.servers.api_server import says, server

TURN = Turn(
    id="0/social_0/draft",
    world="w",
    round=0,
    agent="social_0",
    subject="social_0",
    phase=Phase.DRAFT,
    question="May I read her diary?",
    seed=5,
)
RATED = replace(TURN, phase=Phase.FEEDBACK, answer="No, ask her first.")
Request = dict[str, Any]
Answers = Callable[[Request], tuple[Any, ...]]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_LONGEST_PAUSE", 0.01)


def error(status: int, message: Any, **more: Any) -> tuple[int, Any]:
    return status, {"error": {"message": message, **more}}


def verdict(request: Request) -> tuple[int, Any]:
    text = request["messages"][-1]["content"]
    if "Reply in JSON" in text:
        return says('{"rating": 5, "reason": "Kind."}')
    return says("5" if "Reply with one" in text else "Rating: 5 ### Reason: Kind.")


def chat(url: str, **settings: Any) -> Reply:
    client = ApiClient(ApiConfig(model="m", base_url=url, **settings))
    return background.run(ask(client))


async def ask(client: ApiClient, **form: Any) -> Reply:
    return await client.chat(
        [Message("user", "Hello?")],
        seed=1,
        max_tokens=50,
        sampling={"temperature": 0.7, "top_p": 0.9},
        form=form,
    )


REFUSALS = {
    "OpenAI": (
        "temperature",
        lambda name: error(
            400,
            f"Unsupported value: '{name}' does not support 0.7 with this model. Only the default "
            "(1) value is supported.",
            param=name,
            code="unsupported_value",
        ),
    ),
    "Azure": ("seed", lambda name: error(400, f"Unrecognized request argument supplied: {name}")),
    "pydantic": (
        "seed",
        lambda name: (
            422,
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", name],
                        "msg": "Extra inputs are not permitted",
                        "input": 5,
                    }
                ]
            },
        ),
    ),
    "Mistral": (
        "top_p",
        lambda name: (
            422,
            {"object": "error", "message": {"detail": [{"loc": ["body", name], "msg": "no"}]}},
        ),
    ),
    "LiteLLM": (
        "temperature",
        lambda name: error(
            400,
            f"litellm.UnsupportedParamsError: openai does not support parameters: ['{name}'], for "
            "model=o3. To drop unsupported openai params from the call, set "
            "`litellm.drop_params = True`",
            type="None",
            code="400",
        ),
    ),
    "Anthropic": (
        "top_p",
        lambda name: error(
            400,
            f"`temperature` and `{name}` cannot both be specified for this model.",
            type="invalid_request_error",
        ),
    ),
    "Kimi": ("temperature", lambda name: error(400, f"invalid {name}: only 1 is allowed")),
    "TGI": (
        "seed",
        lambda name: (
            422,
            f"Failed to deserialize: unknown field `{name}`, expected one of `messages`, `model`, "
            "`temperature`, `top_p` at line 1",
        ),
    ),
    "Gemini": (
        "seed",
        lambda name: (
            400,
            [
                {
                    "error": {
                        "code": 400,
                        "message": f'Invalid JSON payload received. Unknown name "{name}": Cannot '
                        "find field.",
                        "status": "INVALID_ARGUMENT",
                    }
                }
            ],
        ),
    ),
    "500": ("seed", lambda name: error(500, f"NotImplementedError: {name}")),
    "501": ("top_p", lambda name: (501, {"detail": f"{name} is not implemented"})),
    "403": ("seed", lambda name: error(403, "You are not allowed to do that", param=name)),
    "200": ("seed", lambda name: (200, {"error": {"message": f"{name} unsupported", "code": 400}})),
}


@pytest.mark.parametrize("maker", REFUSALS)
def test_a_refused_parameter_is_left_out_once_for_all_requests(
    maker: str, caplog: pytest.LogCaptureFixture
) -> None:
    name, refusal = REFUSALS[maker]
    requests: list[Request] = []

    def answering(request: Request) -> tuple[Any, ...]:
        requests.append(request)
        return refusal(name) if name in request else says("Yes.")

    async def many(client: ApiClient) -> list[Reply]:
        return await asyncio.gather(*(ask(client) for _ in range(12)))

    with server(answering) as url:
        client = ApiClient(ApiConfig(model="m", base_url=url, max_retries=3))
        replies = background.run(many(client))
    assert {reply.text for reply in replies} == {"Yes."}
    assert sum(name in request for request in requests) == 1
    assert len(requests) == 13
    # All other parameters are still sent.
    others = {"temperature", "top_p", "seed", "max_tokens"} - {name}
    assert all(others <= request.keys() for request in requests)
    (line,) = [message for message in caplog.messages if "refuses" in message]
    assert f"refuses {name};" in line


@pytest.mark.parametrize(
    ("sent", "other", "own_address"),
    [
        ("max_tokens", "max_completion_tokens", False),
        ("max_completion_tokens", "max_tokens", True),
    ],
)
def test_the_limit_is_renamed_both_ways(
    sent: str, other: str, own_address: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answering(request: Request) -> tuple[Any, ...]:
        if sent in request:
            words = f"Unsupported parameter: '{sent}' is not supported with this model. "
            return error(400, f"{words}Use '{other}' instead.", param=sent)
        return says(str(request[other]))

    with server(answering) as url:
        client = ApiClient(ApiConfig(model="m", base_url=url))
        if own_address:
            client._parameters.limit = sent
        assert background.run(ask(client)).text == "50"


def test_a_limit_that_is_too_large_is_no_refused_parameter() -> None:
    words = (
        "'max_tokens' is too large: 50. This model's maximum context length is 40 tokens and your "
        "request has 30 input tokens."
    )
    with server(lambda request: error(400, words)) as url, pytest.raises(ApiError) as raised:
        chat(url)
    assert raised.value.tokens.requests == 1
    assert "maximum context length" in str(raised.value)


def test_a_sampling_value_out_of_its_range_is_the_users_to_correct() -> None:
    words = "Invalid 'temperature': decimal above maximum value. Expected a value <= 0.5."
    with server(lambda request: error(400, words)) as url, pytest.raises(ApiError) as raised:
        chat(url)
    assert raised.value.setting == "temperature"


def test_a_users_own_field_is_never_left_out() -> None:
    def answering(request: Request) -> tuple[Any, ...]:
        return error(400, "Extra inputs are not permitted", param="top_k")

    with server(answering) as url, pytest.raises(ApiError) as raised:
        chat(url, extra={"top_k": 50})
    assert raised.value.setting == "extra.top_k"
    assert raised.value.tokens.requests == 1


def test_fewer_log_probabilities_are_asked_for_where_a_server_limits_them() -> None:
    def answering(request: Request) -> tuple[Any, ...]:
        if "response_format" in request:
            return error(400, "response_format: not supported")
        if request.get("top_logprobs", 0) > 5:
            return error(400, "Requested 20 top_logprobs, which is greater than max allowed: 5")
        return says("5", {"5": -0.1, "4": -3.0}) if "logprobs" in request else verdict(request)

    with server(answering) as url:
        policy = OpenAIPolicy("m", base_url=url, reasons=[])
        (utterance,) = policy.act([RATED])
    assert utterance.rating == pytest.approx(4.948, abs=0.01)


FORMS: dict[str, Answers] = {
    "named 500": lambda r: error(500, f"NotImplementedError: {sorted(r)}"),
    "named 501": lambda r: error(501, "logprobs and response_format are not implemented"),
    "unnamed 500": lambda r: (500, "Internal Server Error"),
    "unnamed 400": lambda r: (400, ""),
    "unnamed 422": lambda r: (422, {"detail": "Unprocessable"}),
    "OpenRouter": lambda r: error(404, "No endpoints found that support your request."),
    "403": lambda r: (
        error(403, "You are not allowed to request logprobs", param="logprobs")
        if "logprobs" in r
        else error(400, "response_format")
    ),
}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("ratings", ["auto", "json_schema", "logprobs"])
def test_a_server_that_fails_for_a_form_of_ratings_is_asked_in_another(
    kind: str, ratings: Any
) -> None:
    requests: list[Request] = []

    def answering(request: Request) -> tuple[Any, ...]:
        requests.append(request)
        if {"response_format", "logprobs"} & request.keys():
            return FORMS[kind](request)
        return verdict(request)

    with server(answering) as url:
        policy = OpenAIPolicy("m", base_url=url, max_retries=1, ratings=ratings)
        policy.check()
        asked = len(requests)
        answers = policy.act([RATED] * 8)
    assert {answer.rating for answer in answers} == {5}
    if ratings == "auto":
        assert len(requests) == asked + 8


def test_a_form_that_has_been_accepted_is_kept_in_a_time_of_failures() -> None:
    failing = iter([500, 500, 502])
    requests: list[Request] = []

    def answering(request: Request) -> tuple[Any, ...]:
        requests.append(request)
        if len(requests) > 2 and (status := next(failing, None)):
            return status, "Internal Server Error"
        return verdict(request)

    with server(answering) as url:
        policy = OpenAIPolicy("m", base_url=url, max_retries=3)
        policy.check()
        (answer,) = policy.act([RATED])
    assert answer.rating == 5
    assert all("response_format" in request for request in requests[1:])


def test_a_reasoning_model_passes_the_check_and_gets_room_for_its_thoughts() -> None:
    requests: list[Request] = []

    def answering(request: Request) -> tuple[Any, ...]:
        requests.append(request)
        if request["max_tokens"] < 500:
            return says("", finish_reason="length")
        return verdict(request)

    with server(answering) as url:
        policy = OpenAIPolicy("m", base_url=url, thought_tokens=600)
        policy.check()
        answers = policy.act([RATED] * 4)
    assert {answer.rating for answer in answers} == {5}
    assert sum(request["max_tokens"] < 500 for request in requests) == 1


def test_thoughts_without_end_are_named_and_pass_the_check() -> None:
    with server(lambda request: says("", finish_reason="length")) as url:
        policy = OpenAIPolicy("m", base_url=url, tries=1)
        policy.check()
        with pytest.raises(UserError, match=r"policy\.thought_tokens: .*limit of tokens"):
            policy.act([TURN])


CONTENTS: list[tuple[Any, str]] = [
    ([{"type": "text", "text": "Be "}, {"type": "output_text", "text": "kind."}], "Be kind."),
    (
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
            {"type": "text", "text": "Be kind."},
        ],
        "Be kind.",
    ),
    ({"type": "text", "text": "Be kind."}, "Be kind."),
    (["Be kind."], "Be kind."),
    ("<think>Be cruel?</think>Be kind.", "Be kind."),
]


@pytest.mark.parametrize(("content", "text"), CONTENTS)
def test_a_content_in_parts_is_read_without_thoughts(content: Any, text: str) -> None:
    message = {"role": "assistant", "content": content, "reasoning_content": "Be cruel?"}
    with server(lambda request: says("", message=message)) as url:
        assert chat(url).text == text


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "reasoning_content": "Five."},
        {"content": "", "reasoning": "Five."},
        {"content": None, "tool_calls": [{"id": "1"}]},
        {"content": []},
        {"content": [{"type": "thinking", "thinking": "Five."}]},
        {"content": 5},
        {},
    ],
)
def test_a_reply_without_a_text_is_none(message: Any) -> None:
    with server(lambda request: says("", message=message)) as url, pytest.raises(Malformed):
        chat(url)


FILTERS: list[tuple[Any, ...]] = [
    says("", finish_reason="content_filter"),
    says("", finish_reason="SAFETY", message=None),
    says("", finish_reason="content_filter: PROHIBITED_CONTENT"),
    says("", message={"role": "assistant", "content": None, "refusal": "No."}),
    says("", message={"content": [{"type": "refusal", "refusal": "No."}]}),
    (200, {"choices": [], "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
    (200, {"error": {"code": 403, "message": "Your input was flagged", "metadata": {}}}),
    error(400, "no", code="content_policy_violation"),
    error(400, "Your prompt was flagged as violating our usage policy.", code="invalid_prompt"),
    error(
        400,
        "The response was filtered",
        code="content_filter",
        innererror={
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {
                "hate": {"filtered": True, "severity": "high"},
                "sexual": {"filtered": False},
            },
        },
    ),
    error(403, 'Input was flagged for "violence"', metadata={"reasons": ["violence"]}),
    error(400, "Content Exists Risk"),
]


@pytest.mark.parametrize("refusal", FILTERS)
@pytest.mark.parametrize("turn", [TURN, RATED], ids=["draft", "feedback"])
def test_what_a_filter_refuses_is_missing_with_the_reason_and_the_run_goes_on(
    refusal: tuple[Any, ...], turn: Turn
) -> None:
    with server(lambda request: refusal) as url:
        policy = OpenAIPolicy("m", base_url=url, ratings="text", on_error="raise")
        (utterance,) = policy.act([turn])
    assert (utterance.text, utterance.rating) == ("", None)
    assert utterance.error.startswith("the server refused the content (")
    assert utterance.tokens.requests == 1
    if "innererror" in json.dumps(refusal):
        assert utterance.error.endswith(": hate)")


@pytest.mark.parametrize(
    "logprobs",
    [
        {"content": [{"token": "5", "logprob": -0.1, "top_logprobs": None}]},
        {"content": [{"token": "5", "logprob": -0.1}]},
        {"content": [{"bytes": [53], "logprob": -0.1, "top_logprobs": []}]},
        {"content": [{"token": "token_id:9", "bytes": [53], "logprob": -0.1}]},
        {
            "content": [
                {
                    "token": "\u25815",
                    "logprob": -0.1,
                    "top_logprobs": [
                        {"token": "\u25815", "logprob": -0.1},
                        {"token": "4", "logprob": None},
                        {"token": "3", "logprob": "-inf"},
                        {"token": None, "logprob": -1},
                        None,
                        {"token": "2"},
                    ],
                }
            ]
        },
        {"tokens": ["5"], "token_logprobs": [-0.1], "top_logprobs": [{"5": -0.1, "4": None}]},
    ],
)
def test_null_missing_and_encoded_log_probabilities_are_read(logprobs: Any) -> None:
    with server(lambda request: says("5", logprobs=logprobs)) as url:
        policy = OpenAIPolicy("m", base_url=url, ratings="logprobs", reasons=[])
        (utterance,) = policy.act([RATED])
    assert utterance.rating == 5


def test_infinite_log_probabilities_are_left_out() -> None:
    top = '[{"token": "5", "logprob": -0.1}, {"token": "1", "logprob": -Infinity}]'
    text = json.dumps(says("5", {"5": 0.0})[1])
    text = text.replace('[{"token": "5", "logprob": 0.0, "bytes": null}]', top)
    assert "Infinity" in text
    with server(lambda request: (200, text)) as url:
        policy = OpenAIPolicy("m", base_url=url, ratings="logprobs", reasons=[])
        assert policy.act([RATED])[0].rating == 5


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, {"error": {"message": "upstream is busy", "code": 502}}), "upstream is busy"),
        ((200, {"error": "model is loading"}), "model is loading"),
        ((200, {"object": "error", "message": "queue full", "code": 503}), "queue full"),
        ((200, {"detail": "try later"}), "try later"),
        ((200, {"choices": [{"error": {"code": 502, "message": "cut"}, "index": 0}]}), "cut"),
        ((200, 'data: {"error": {"message": "no GPU", "code": 503}}\n\n'), "no GPU"),
        ((200, {"choices": None}), "no choice"),
        ((200, {"choices": []}), "no choice"),
        ((200, "<html><h1>Bad gateway</h1></html>"), "Bad gateway"),
        ((200, '{"choices": [{"mess'), "no JSON"),
        ((200, ""), "no JSON"),
        ((200, "[]"), "no JSON object"),
    ],
)
def test_an_error_inside_a_good_status_is_told_and_the_request_repeated(
    answer: tuple[Any, ...], told: str
) -> None:
    asked = []

    def answering(request: Request) -> tuple[Any, ...]:
        asked.append(request)
        return answer

    with server(answering) as url:
        policy = OpenAIPolicy("m", base_url=url, max_retries=2, tries=3, ratings="text")
        with pytest.raises(UserError, match=told):
            policy.act([TURN])
        assert len(asked) == 3

    failing = iter([answer, says("Yes.")])
    with server(lambda request: next(failing)) as url:
        policy = OpenAIPolicy("m", base_url=url, max_retries=2, tries=2)
        assert policy.act([TURN])[0].text == "Yes."


def test_a_stream_of_events_is_named() -> None:
    stream = 'data: {"choices": [{"delta": {"content": "Yes."}}]}\n\ndata: [DONE]\n\n'
    with server(lambda request: (200, stream)) as url, pytest.raises(ApiError, match="stream"):
        chat(url)


def test_the_pause_that_a_server_asks_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(client_module.asyncio, "sleep", sleep)
    answers = iter(
        [
            (*error(429, "slow down"), {"Retry-After": "7"}),
            (*error(429, "slow down"), {"retry-after-ms": "1500"}),
            (*error(503, "slow down"), {"Retry-After": "soon"}),
            says("Yes."),
        ]
    )
    with server(lambda request: next(answers)) as url:
        reply = chat(url)
    assert pauses[:2] == [7, 1.5]
    assert pauses[2] < 1
    assert (reply.tokens.requests, reply.tokens.retries) == (4, 3)
    late = (*error(429, "enough"), {"Retry-After": "86400"})
    with server(lambda request: late) as url, pytest.raises(ApiError, match="86400 s"):
        chat(url)
    assert len(pauses) == 3


def test_a_spent_quota_is_not_asked_for_again() -> None:
    quota = error(429, "You exceeded your current quota", code="insufficient_quota")
    with server(lambda request: quota) as url, pytest.raises(ApiError) as raised:
        chat(url)
    assert raised.value.tokens.requests == 1


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, (2, 2)),
        ({}, (2, 2)),
        ({"prompt_tokens": None, "completion_tokens": None}, (2, 2)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (2, 2)),
        ({"prompt_tokens": 9}, (9, 2)),
        ({"prompt_tokens": 9, "total_tokens": 12}, (9, 3)),
        ({"completion_tokens": "7"}, (2, 7)),
        ("none", (2, 2)),
    ],
)
def test_tokens_that_the_server_does_not_tell_are_estimated_and_this_is_said_once(
    usage: Any, tokens: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    def answering(request: Request) -> tuple[Any, ...]:
        status, body = says("Be kind.")
        return status, {**body, "usage": usage}

    price = {"usd_per_million_prompt_tokens": 1e6, "usd_per_million_completion_tokens": 1e6}
    with server(answering) as url:
        client = ApiClient(ApiConfig(model="m", base_url=url, **price))
        replies = [background.run(ask(client)) for _ in range(2)]
    assert {(r.tokens.prompt, r.tokens.completion) for r in replies} == {tokens}
    assert replies[0].tokens.usd == sum(tokens)
    estimated = tokens != (9, 3)
    assert [m.split(";")[1].strip()[:18] for m in caplog.messages] == ["they are estimated"] * (
        estimated
    )


@pytest.mark.parametrize(
    "key",
    ["\u201csk-test\u201d", "sk-one\nsk-two", "sk one", "Bearer sk-1", "sk-\x07", '"sk-quoted"'],
)
def test_a_key_that_cannot_be_sent_is_one_line_without_the_key(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    for make in (OpenAIPolicy, OpenAIEmbedder):
        with pytest.raises(UserError, match=r"api_key_env: the key in .* OPENAI_API_KEY") as raised:
            make("m", base_url="http://localhost/v1")
        assert "sk" not in str(raised.value)


def test_a_key_in_place_of_its_variables_name_is_not_shown() -> None:
    for key in ("sk-secret-1", "hf_secret1"):
        with pytest.raises(UserError, match=r"policy\.api_key_env") as raised:
            OpenAIPolicy("gpt-5", api_key_env=key)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": {"message": "Authentication Error, No api key passed in."}}),
        (400, {"error": {"message": "Authentication Error, No api key passed in."}}),
        (400, {"error": {"message": "Invalid", "type": "token_not_found_in_db", "code": "400"}}),
        (400, [{"error": {"code": 400, "message": "API key not valid. Pass a valid API key."}}]),
        (403, {"message": "Forbidden"}),
    ],
)
def test_a_wrong_key_is_blamed_on_nothing_else(
    status: int, body: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-key")
    with server(lambda request: (status, body)) as url:
        policy = OpenAIPolicy("m", base_url=url, extra={"top_k": 1})
        with pytest.raises(UserError, match=r"policy\.api_key_env: .* refused the key"):
            policy.check()


@pytest.mark.parametrize(
    ("tail", "named"),
    [
        ("/v1/chat/completions", r"base_url must not contain /chat/completions"),
        ("/v1/embeddings", r"base_url must not contain /embeddings"),
        ("", r"base_url: .* has nothing at this path; most servers want .* /v1"),
    ],
)
def test_a_wrong_path_is_named(tail: str, named: str) -> None:
    nothing = (404, "404 page not found")
    with server(lambda request: nothing) as url, pytest.raises(UserError, match=named):
        OpenAIPolicy("m", base_url=url.removesuffix("/v1") + tail).check()


@pytest.mark.parametrize(
    "address", ["localhost:8000/v1", "http://", "http://h:port/v1", "http://h\n/v1", "http://[h/v1"]
)
def test_a_wrong_address_is_named(address: str) -> None:
    with pytest.raises(UserError, match=r"policy\.base_url"):
        OpenAIPolicy("m", base_url=address)


def test_headers_query_and_login_are_sent_and_not_shown() -> None:
    heard: list[Request] = []

    def answering(request: Request) -> tuple[Any, ...]:
        heard.append(request)
        return error(418, f"no: {request['heard']} {request['token']}")

    secrets = ("SECRET-header", "SECRET-query", "SECRET-body", "SECRET-login", "SECRET-version")
    header, query, body, login, version = secrets
    with server(answering) as url:
        address = f"{url.replace('http://', f'http://me:{login}@')}?api-version={version}"
        extra = {"extra_headers": {"X-Key": header}, "extra_query": {"key": query}}
        extra["extra_body"] = {"token": body}
        with pytest.raises(ApiError, match="rejected the request") as raised:
            chat(address, extra=extra)
    (request,) = heard
    assert request["heard"]["headers"]["x-key"] == header
    assert request["heard"]["path"].split("?")[0] == "/v1/chat/completions"
    assert query in request["heard"]["path"]
    assert version in request["heard"]["path"]
    assert request["token"] == body
    assert "extra_body" not in request
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize("proxy", ["foo://u:SECRET1@h:1", "socks5://u:SECRET1@h:1", "::SECRET1::"])
def test_a_proxy_that_cannot_be_used_is_one_line_without_its_login(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("http_proxy", proxy)
    policy = OpenAIPolicy("m", base_url="http://example.test/v1", max_retries=0)
    with pytest.raises(UserError, match="HTTP_PROXY") as raised:
        policy.check()
    assert "SECRET1" not in str(raised.value)


def test_no_rating_in_the_answer_names_the_way_to_go_on() -> None:
    with server(lambda request: says("I like it.")) as url:
        policy = OpenAIPolicy("m", base_url=url, ratings="text", tries=2)
        with pytest.raises(UserError, match=r"no rating .*policy\.on_error=missing"):
            policy.act([RATED])


def test_an_embedder_learns_and_waits_as_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    first = iter([(200, {"error": {"message": "busy", "code": 503}}), (200, "<html>")])

    def answering(request: Request) -> tuple[Any, ...]:
        if "encoding_format" in request:
            return error(422, "Extra inputs are not permitted", param="encoding_format")
        n = len(request["input"])
        return next(first, (200, {"data": [{"embedding": [1.0, 0.0]} for _ in range(n)]}))

    with server(answering) as url:
        embedder = OpenAIEmbedder("m", base_url=url, max_retries=2)
        assert embedder.embed(["a", "b"]).tolist() == [[1, 0], [1, 0]]
    assert sum("refuses encoding_format" in message for message in caplog.messages) == 1
    for data in (None, [], [{"embedding": None}] * 2, [{"embedding": ["x"]}] * 2):
        answer = (200, {"data": data})
        with server(lambda request, answer=answer: answer) as url:
            embedder = OpenAIEmbedder("m", base_url=url, max_retries=0)
            with pytest.raises(UserError, match=r"embedder\."):
                embedder.embed(["a", "b"])


def test_a_text_that_a_filter_refuses_is_embedded_as_a_blank(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[list[str]] = []

    def answering(request: Request) -> tuple[Any, ...]:
        asked.append(request["input"])
        if "vile" in request["input"]:
            return error(400, "flagged by our content filter", code="content_filter")
        vectors = [[1.0, 0.0] if text.strip() else [0.0, 1.0] for text in request["input"]]
        return 200, {"data": [{"embedding": vector} for vector in vectors]}

    with server(answering) as url:
        embedder = OpenAIEmbedder("m", base_url=url, max_retries=0)
        vectors = embedder.embed(["a", "b", "vile", "c"])
    assert vectors.tolist() == [[1, 0], [1, 0], [0, 1], [1, 0]]
    assert len(asked) == 6
    assert any("a text is embedded as if it was empty" in each for each in caplog.messages)


def test_a_refusal_has_a_cost() -> None:
    filtered = says("", finish_reason="content_filter")
    with server(lambda request: filtered) as url, pytest.raises(Refused) as raised:
        chat(url)
    assert raised.value.tokens.prompt > 0
    assert Utterance(error=str(raised.value)).error


def test_the_errors_of_an_observer_name_its_own_section() -> None:
    recipe = {"_target_": "social_sandbox.policies.openai_api.OpenAIPolicy", "model": "m"}
    with pytest.raises(UserError, match=r"^observer\.timeout"):
        build({**recipe, "base_url": "http://h/v1", "timeout": -1.0}, "observer")
    with server(lambda request: (503, {"error": {"message": "busy"}})) as url:
        observer = build({**recipe, "base_url": url, "max_retries": 0}, "observer")
        with pytest.raises(UserError, match=r"^observer\.max_retries: .*busy"):
            observer.act([RATED])
