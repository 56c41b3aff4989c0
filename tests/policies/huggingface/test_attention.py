from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
)

from social_sandbox.policies.huggingface.attention import packing_obstacle, sharing_obstacle

WINDOW = "not all layers of the model see the whole prompt"
STATE = "the model has a state that runs through its prompt"


def made(config: Any, attention: str = "sdpa") -> Any:
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, attn_implementation=attention)


@pytest.mark.parametrize(
    ("config", "obstacle"),
    [
        (LlamaConfig(), None),
        (GPT2Config(), None),
        (MistralConfig(sliding_window=None), None),
        (MistralConfig(sliding_window=64), WINDOW),
        (Gemma3TextConfig(), WINDOW),
    ],
)
def test_only_models_whose_layers_all_see_the_whole_prompt_share_and_pack(
    config: Any, obstacle: str | None
) -> None:
    model = made(config)
    assert sharing_obstacle(model) == packing_obstacle(model) == obstacle


def test_a_model_with_a_running_state_neither_shares_nor_packs() -> None:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(MambaConfig())
    assert sharing_obstacle(model) == STATE
    assert packing_obstacle(model) is not None


def test_packing_needs_an_attention_that_takes_any_mask() -> None:
    model = made(LlamaConfig(), "eager")
    assert sharing_obstacle(model) is None
    assert packing_obstacle(model) == "the model's attention is not sdpa, which takes any mask"


def test_adapters_change_nothing_about_a_model() -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    small = LlamaConfig(
        vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    model = peft.get_peft_model(AutoModelForCausalLM.from_config(small), config)
    assert packing_obstacle(model) is None
