"""Societies that a server plays, which is handed the adapter of each cycle."""

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from social_sandbox.alignment import cli
from tests.helpers.online import SETTINGS, write_inputs
from tests.helpers.servers.adapter_server import AdapterServer, Request, adapter_server

SERVED = [
    "policy=openai",
    "policy.model=base",
    "policy.temperature=0",
    "policy.max_new_tokens=8",
    "policy.ratings=text",
    "policy.max_retries=0",
    "base_model=tiny",
    # At this rate two steps change what the tiny model says.
    "method.learning_rate=0.5",
    "method.lora={rank: 4}",
    *SETTINGS,
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["social-sandbox"])
    write_inputs(tokenizer)
    return tmp_path


def run(url: str, *overrides: str) -> int:
    return cli.main(["online", *SERVED, f"policy.base_url={url}", *overrides])


def said(model: Any, tokenizer: Any, messages: Any) -> str:
    """Return the likeliest reply of a model."""
    prompt = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        tokens = model.generate(**prompt, max_new_tokens=8, do_sample=False)
    text = tokenizer.decode(tokens[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    return text.strip() or "nothing"


def rank(adapter: Path) -> int:
    return int(json.loads((adapter / "adapter_config.json").read_text())["r"])


def with_adapters(tokenizer: Any) -> Any:
    """Return the `play` of a server that holds the base model and loads adapters onto it."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    lock, models = threading.Lock(), {}

    def play(request: Request, adapter: str | None) -> str:
        with lock:
            if adapter not in models:
                model = AutoModelForCausalLM.from_pretrained("tiny")
                models[adapter] = PeftModel.from_pretrained(model, adapter) if adapter else model
            return said(models[adapter], tokenizer, request["messages"])

    return play


def test_each_society_is_played_by_the_adapter_of_the_cycle_before(
    here: Path, tokenizer: Any
) -> None:
    from transformers import AutoModelForCausalLM

    running = AdapterServer(play=with_adapters(tokenizer))
    with adapter_server(running):
        assert run(running.url, "cycles=1") == 0
        trained = (here / "out/cycle_0/alignment/stage.json").stat().st_mtime_ns
        # The server starts anew, and the job goes on where it was.
        running.loaded.clear()
        assert run(running.url) == 0
        assert (here / "out/cycle_0/alignment/stage.json").stat().st_mtime_ns == trained
        # The adapter of the first cycle stays for comparison, and the trial is gone.
        (player,) = running.loaded
        assert player.startswith("cycle_0-")
        assert not (here / "out/adapters/trial").exists()
        assert [rank(here / f"out/adapters/cycle_{n}") for n in range(2)] == [4, 8]
        drafts = {}
        for cycle, name in enumerate(["base", player]):
            file = here / f"out/cycle_{cycle}/simulation/interactions.jsonl"
            played = [json.loads(line)["draft"] for line in file.read_text().splitlines()]
            assert {draft["policy"] for draft in played} == {name}
            drafts[name] = {draft["text"] for draft in played}
        # Base and adapter together are the model that the cycle before has left.
        model = AutoModelForCausalLM.from_pretrained("out/cycle_0/alignment/model")
        asked = [each["messages"] for each in running.requests if each["model"] == player]
        answers = {said(model, tokenizer, each) for each in asked if each[0]["role"] == "user"}
        assert drafts[player] <= answers
        assert drafts[player] != drafts["base"]


@pytest.mark.parametrize(
    ("running", "overrides", "message"),
    [
        (AdapterServer("none"), [], "has no endpoint that loads a LoRA adapter at run time"),
        (AdapterServer(max_rank=7), [], "LoRA rank 8 is greater than max_lora_rank 7"),
        (AdapterServer(), ["method.lora=null"], "method.lora: a server is handed adapters"),
        (AdapterServer(), ["policy.adapter=tiny"], "policy.adapter: online begins with"),
        (AdapterServer(), ["policy.model=other"], "has no model 'other'"),
        (AdapterServer(), ["policy.server_dir=/mnt"], "did not load /mnt/out/adapters/trial"),
    ],
)
def test_what_cannot_be_handed_over_is_told_before_the_first_cycle(
    here: Path,
    running: AdapterServer,
    overrides: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with adapter_server(running):
        assert run(running.url, *overrides) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert message in error
    assert "Traceback" not in error
    assert not (here / "out/cycle_0").exists()
    assert not (here / "out/adapters/trial").exists()
