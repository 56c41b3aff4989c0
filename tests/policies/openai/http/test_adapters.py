"""Adapters that are handed to a running server."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from social_sandbox.envs import Phase, Turn, UserError
from social_sandbox.policies.openai.http import rates, servers
from social_sandbox.policies.openai.policy import OpenAIPolicy
from tests.helpers.servers.adapter_server import AdapterServer, adapter_server
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


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(servers, "_FIRST_REST", 0.05)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "cycle_0"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 16}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


def policy_at(url: Any, adapter: Path, **more: Any) -> OpenAIPolicy:
    more = {"ratings": "text", **more}
    return OpenAIPolicy("base", base_url=url, adapter=str(adapter), **more)


@pytest.mark.parametrize(("kind", "prefix"), [("vllm", ""), ("sglang", "base:")])
def test_a_server_answers_with_the_adapter_that_it_was_handed(
    adapter: Path, kind: Any, prefix: str
) -> None:
    with adapter_server(AdapterServer(kind)) as running:
        policy = policy_at(running.url, adapter)
        policy.check()
        (utterance,) = policy.act([TURN])
        assert utterance.text == "Ask her first."
        assert running.loaded == {policy.name: str(adapter)}
        assert {each["model"] for each in running.requests} == {prefix + policy.name}
        assert policy.name.startswith("cycle_0-")
        assert utterance.policy == policy.name
        # Another process finds the adapter in its place.
        policy_at(running.url, adapter).act([TURN])
        assert running.ever == [policy.name]
        # The former model still answers under its name.
        OpenAIPolicy("base", base_url=running.url).act([TURN])
        policy.unload_adapter()
        assert running.loaded == {}


def test_other_weights_have_another_name(adapter: Path) -> None:
    first = policy_at("http://localhost/v1", adapter).name
    (adapter / "adapter_model.safetensors").write_bytes(b"others")
    assert policy_at("http://localhost/v1", adapter).name != first


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
def test_a_server_that_started_anew_is_handed_the_adapter_again(adapter: Path, kind: Any) -> None:
    with adapter_server(AdapterServer(kind)) as running:
        policy = policy_at(running.url, adapter)
        policy.act([TURN])
        running.loaded.clear()
        assert policy.act([TURN] * 3)[0].text == "Ask her first."
        assert running.ever == [policy.name] * 2


def test_each_of_several_servers_is_handed_the_adapter(adapter: Path) -> None:
    with adapter_server(AdapterServer()) as one, adapter_server(AdapterServer("sglang")) as other:
        policy = policy_at([one.url, other.url], adapter)
        policy.check()
        assert list(one.loaded) == list(other.loaded) == [policy.name]


def test_a_server_sees_the_working_folder_elsewhere(
    adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(adapter.parent.parent)
    with adapter_server(AdapterServer()) as running:
        policy = policy_at(running.url, Path("runs/cycle_0"), server_dir="/mnt/job")
        with pytest.raises(UserError) as raised:
            policy.check()
    assert str(raised.value) == (
        f"policy.adapter: {running.url} did not load /mnt/job/runs/cycle_0 "
        "(404: No adapter found for /mnt/job/runs/cycle_0)"
    )


@pytest.mark.parametrize(
    ("running", "message"),
    [
        (AdapterServer("none"), "has no endpoint that loads a LoRA adapter at run time"),
        (AdapterServer(max_rank=8), "LoRA rank 16 is greater than max_lora_rank 8"),
        (AdapterServer(enabled=False), "LoRA is not enabled"),
        (AdapterServer("sglang", enabled=False), "LoRA is not enabled"),
    ],
)
def test_a_server_that_loads_no_adapter_is_told_apart_at_once(
    adapter: Path, running: AdapterServer, message: str
) -> None:
    running = replace(running, requests=[])
    named = rf"policy\.adapter: .*{message}"
    with adapter_server(running), pytest.raises(UserError, match=named):
        policy_at(running.url, adapter, on_error="missing").check()
    assert running.requests == []


def test_a_server_that_says_yes_to_everything_has_no_such_endpoint(adapter: Path) -> None:
    yes = server(lambda request: says("Yes."))
    with yes as url, pytest.raises(UserError, match="has no endpoint"):
        policy_at(url, adapter).check()


def test_wrong_folders_and_names_are_named(adapter: Path, tmp_path: Path) -> None:
    url = "http://localhost/v1"
    for wrong, message in [
        ({"adapter": str(tmp_path)}, r"holds no adapter \(adapter_config.json is missing\)"),
        ({"adapter": "nowhere"}, "there is no folder nowhere"),
        ({"adapter": str(adapter), "adapter_name": "a b"}, "adapter_name: has a blank"),
    ]:
        with pytest.raises(UserError, match=message):
            OpenAIPolicy("base", base_url=url, **wrong)
    there = OpenAIPolicy("base", base_url=url, adapter="/srv/adapter", adapter_name="mine")
    assert there.name == "mine"


@pytest.fixture(scope="module")
def llama_cpp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run llama.cpp with the embedded model and a random adapter, which is off at the start."""
    pytest.importorskip("xllamacpp", reason="no llama.cpp: pip install xllamacpp")
    from xllamacpp import CommonAdapterLoraInfo, CommonParams, Server

    from social_sandbox.policies.huggingface.smollm2 import gguf_file

    adapter = tmp_path_factory.mktemp("adapter") / "adapter.gguf"
    write_random_adapter(adapter, width=576)
    params = CommonParams()
    with as_file(gguf_file()) as path:
        params.model.path = str(path)
    params.n_parallel, params.n_ctx, params.verbosity = 1, 1024, -1
    params.cpuparams.n_threads = 1
    params.lora_adapters = [CommonAdapterLoraInfo(str(adapter), 0.0)]
    running = Server(params)
    yield f"{running.listening_address}/v1"
    del running


def write_random_adapter(file: Path, width: int) -> None:
    """Write an adapter of llama.cpp's form that disturbs every third layer."""
    from gguf import GGUFWriter

    random = np.random.default_rng(0)
    writer = GGUFWriter(file, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    for layer in range(0, 30, 3):
        for part, shape in (("a", (4, width)), ("b", (width, 4))):
            weights = random.normal(scale=0.2, size=shape).astype(np.float32)
            writer.add_tensor(f"blk.{layer}.attn_output.weight.lora_{part}", weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.embedded
def test_llama_cpp_loads_no_adapter_at_run_time_and_is_told_apart(
    llama_cpp: str, adapter: Path
) -> None:
    with pytest.raises(UserError, match=r"has no endpoint .* llama\.cpp has none"):
        policy_at(llama_cpp, adapter, timeout=600.0).check()


@pytest.mark.embedded
def test_llama_cpp_answers_with_an_adapter_that_it_was_started_with(llama_cpp: str) -> None:
    def said(scale: float) -> str:
        policy = OpenAIPolicy(
            "smollm2",
            base_url=llama_cpp,
            temperature=0,
            max_new_tokens=10,
            timeout=600.0,
            extra={"draft": {"lora": [{"id": 0, "scale": scale}]}},
        )
        return policy.act([TURN])[0].text

    base = said(0.0)
    assert said(1.0) != base
    assert said(0.0) == base
