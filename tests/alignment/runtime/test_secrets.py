import json
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.runtime.secrets import (
    arguments_without_secrets,
    without_quoted,
    without_secret,
    without_secrets,
)
from social_sandbox.alignment.runtime.stage import RECORD, run_stage
from social_sandbox.policies.terminal import Terminal

EXTRA: dict[str, Any] = {
    "extra_headers": {"X-Key": "SECRET", "X-Pin": 123456},
    "extra_query": {"k": "SECRET"},
    "extra_body": {"user": "SECRET", "top_k": 5},
    "metadata": {"list": ["SECRET"]},
    "reasoning_effort": "low",
    "min_p": 0.1,
    "stream": False,
}


def test_texts_in_extra_headers_and_queries_are_hidden_and_numbers_are_not() -> None:
    shown = without_secrets({"policy": {"extra": EXTRA}})["policy"]["extra"]
    assert "SECRET" not in json.dumps(shown)
    assert shown["extra_headers"] == {"X-Key": "***", "X-Pin": "***"}
    assert shown["extra_body"]["top_k"] == 5
    kept = {name: shown[name] for name in ("reasoning_effort", "min_p", "stream")}
    assert kept == {"reasoning_effort": "low", "min_p": 0.1, "stream": False}


def test_options_of_a_trainer_are_not_fields_of_requests() -> None:
    method = {"method": {"extra": {"lr_scheduler_type": "cosine", "hub_token": "SECRET"}}}
    shown = {"lr_scheduler_type": "cosine", "hub_token": "***"}
    assert without_secrets(method) == {"method": {"extra": shown}}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:SECRET@host:1/v1", "https://***@host:1/v1"),
        ("https://SECRET@host/v1", "https://***@host/v1"),
        ("https://me:SEC@RET@host/v1", "https://***@host/v1"),
        ("https://host/v1?key=SECRET&a=1", "https://host/v1?***"),
        ("https://host/v1#SECRET", "https://host/v1#***"),
        ("socks5h://a:SECRET@host", "socks5h://***@host"),
        ("Read https://a:SECRET@h/x?y=SECRET now", "Read https://***@h/x?*** now"),
        ("https://host/v1", "https://host/v1"),
        ("What? Who# me@home", "What? Who# me@home"),
    ],
)
def test_logins_and_queries_of_addresses_are_hidden(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert without_secrets({"any": [text]}) == {"any": [shown]}


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("policy.extra.extra_headers.X-Key=SECRET", "policy.extra.extra_headers.X-Key=***"),
        ("+policy.extra.user=SECRET", "+policy.extra.user=***"),
        ("policy.extra={extra_headers: {X: SECRET}}", "policy.extra={extra_headers: {X: ***}}"),
        ("population=[{policy: openai, api_key: SECRET}]", "population=[{policy: openai, "),
        ("policy.extra={a: SECRET},{a: SECRET2}", "policy.extra=***"),
        ("policy.extra={a: SECRET", "policy.extra=***"),
        ("policy.api_key_env=sk-SECRET", "policy.api_key_env=***"),
        ("policy.extra={top_k: 5}", "policy.extra={top_k: 5}"),
        ("data.mix={a: 1}", "data.mix={a: 1}"),
        ("policy.temperature=0.1,0.2", "policy.temperature=0.1,0.2"),
    ],
)
def test_secrets_in_arguments_are_hidden(argument: str, shown: str) -> None:
    assert without_secret(argument).startswith(shown)
    assert "SECRET" not in without_secret(argument)
    assert "SECRET" not in without_quoted(f"wrong: {argument!r}", [argument])


def test_the_options_of_a_script_are_hidden() -> None:
    given = ["my.py", "--token", "SECRET", "--api-key=SECRET", "--seed", "5"]
    assert arguments_without_secrets(given) == [
        *("my.py", "--token", "***", "--api-key=***", "--seed", "5")
    ]


def test_a_record_of_an_earlier_version_is_cleaned_and_its_stage_kept(tmp_path: Path) -> None:
    folder = tmp_path / "simulation"
    folder.mkdir()
    before = {"policy": {"model": "m", "extra": {"extra_headers": {"X-Key": "OLD"}}}}
    record = {"settings": before, "complete": True, "summary": {"n": 1}}
    (folder / RECORD).write_text(json.dumps(record))
    now = {"policy": {"model": "m", "extra": {"extra_headers": {"X-Key": "NEW"}}}}

    def prepare() -> Any:
        raise AssertionError("the stage is complete")

    console = Terminal(quiet=True)
    summary, _ = run_stage(folder, now, prepare, overwrite=False, console=console)
    assert summary == {"n": 1}
    text = (folder / RECORD).read_text()
    assert "OLD" not in text
    assert "NEW" not in text
