"""Sums of adapters, and adapters without effect."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig as PeftConfig
from peft import PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from social_sandbox.alignment.training.config import LoraConfig
from social_sandbox.alignment.training.weights.adapters import write_blank, write_sum
from social_sandbox.envs import UserError
from tests.helpers.tiny import tiny_llama

TOKENS = torch.arange(10)[None]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    tiny_llama(64).save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def logits(base: Path, adapter: Path | None = None) -> Any:
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        return (PeftModel.from_pretrained(model, adapter) if adapter else model)(TOKENS).logits


def trained(model: Any, folder: Path, **settings: Any) -> Any:
    """Write a random adapter of a model, and return the two merged."""
    config = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", **settings}
    adapted = get_peft_model(model, PeftConfig(task_type="CAUSAL_LM", **config))
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    adapted.save_pretrained(folder)
    return adapted.merge_and_unload()


def test_a_sum_does_what_the_merged_adapters_do(base: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    adapters = [tmp_path / name for name in ("one", "two", "three")]
    for adapter in adapters:
        model = trained(model, adapter)
    write_sum(adapters, tmp_path / "sum", "base")
    with torch.no_grad():
        expected = model(TOKENS).logits
    assert torch.allclose(logits(base, tmp_path / "sum"), expected, atol=1e-5)
    assert not torch.allclose(logits(base), expected, atol=1e-2)
    config = json.loads((tmp_path / "sum/adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (12, 24)
    assert config["base_model_name_or_path"] == "base"
    # A server may read the folder: what is there already is not written again.
    written = (tmp_path / "sum").stat().st_ino
    write_sum(adapters, tmp_path / "sum", "base")
    assert (tmp_path / "sum").stat().st_ino == written


def test_adapters_of_different_forms_have_no_sum(base: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    model = trained(model, tmp_path / "one")
    trained(model, tmp_path / "two", lora_alpha=16)
    with pytest.raises(UserError, match="another factor"):
        write_sum([tmp_path / "one", tmp_path / "two"], tmp_path / "sum", "base")


def test_a_blank_adapter_changes_nothing(base: Path, tmp_path: Path) -> None:
    config = AutoModelForCausalLM.from_pretrained(base).config
    write_blank(config, "base", LoraConfig(rank=4), 12, tmp_path / "blank")
    assert torch.equal(logits(base, tmp_path / "blank"), logits(base))
    written = json.loads((tmp_path / "blank/adapter_config.json").read_text())
    assert (written["r"], written["base_model_name_or_path"]) == (12, "base")
