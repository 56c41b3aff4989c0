"""Nothing fails after training: a model that could not be saved is named, or mended, before."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from social_sandbox.alignment.methods.sft import Sft, SftConfig
from social_sandbox.alignment.methods.stable_alignment import (
    StableAlignment,
    StableAlignmentConfig,
)
from social_sandbox.alignment.training.config import LoraConfig
from social_sandbox.alignment.training.train import train
from social_sandbox.alignment.training.weights.model_checks import check_fit
from social_sandbox.envs import UserError
from social_sandbox.policies.huggingface.shared_model import load_model
from tests.helpers.tiny import rated, rated_groups, save_adapter, tiny_llama, tiny_tokenizer

SHORT: dict[str, Any] = {"max_length": 64, "max_steps": 1, "device": "cpu"}


def method(**settings: Any) -> StableAlignment:
    return StableAlignment(StableAlignmentConfig(**(SHORT | settings)))


def test_a_model_with_settings_of_sampling_is_trained_and_saved(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    for name, how in {"all": method(), "lora": method(lora=LoraConfig(rank=2))}.items():
        model = tiny_llama(len(tokenizer))
        model.generation_config.temperature = 0.9
        train(model, tokenizer, rated_groups(4), how, tmp_path / name, progress=False)
        saved = AutoModelForCausalLM.from_pretrained(tmp_path / name / "model")
        assert saved.generation_config.do_sample


def test_a_padding_token_without_an_embedding_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokenizer = tiny_tokenizer()
    model = tiny_llama(len(tokenizer))
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    with caplog.at_level(logging.WARNING):
        train(model, tokenizer, rated_groups(4), method(), tmp_path, progress=False)
    assert "pads with '<|end|>'" in caplog.text
    assert AutoTokenizer.from_pretrained(tmp_path / "model").pad_token == "<|end|>"


def refused(tmp_path: Path, model: Any, tokenizer: Any, how: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        train(model, tokenizer, rated_groups(4), how, tmp_path / "run", progress=False)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_trained_or_saved_is_named_before_training(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    rows = len(tokenizer)
    gpt2 = GPT2LMHeadModel(
        GPT2Config(vocab_size=rows, n_positions=32, n_embd=32, n_layer=1, n_head=2)
    )
    words = "method.max_length=64 is longer than the 32 positions"
    refused(tmp_path, gpt2, tokenizer, method(), words)
    refused(tmp_path, gpt2, tokenizer, Sft(SftConfig(**SHORT)), words)
    model = tiny_llama(rows)
    model.generation_config.num_return_sequences = 4
    refused(tmp_path, model, tokenizer, method(), "generation_config.json is invalid")
    model = tiny_llama(rows)
    model.config.update({"quantization_config": {"quant_method": "gptq"}})
    refused(tmp_path, model, tokenizer, method(), r"is quantised \(gptq\)")
    refused(tmp_path, tiny_llama(rows - 1), tokenizer, method(), "embeddings for")
    added = tiny_tokenizer()
    added.add_tokens(["fine"], special_tokens=False)
    added.add_tokens(["thank"])
    added.add_special_tokens({"eos_token": "[EOS]"})
    refused(tmp_path, tiny_llama(rows), added, method(), r"the eos_token '\[EOS\]'")


def test_a_model_with_adapters_is_to_be_merged_first(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    tokenizer = tiny_tokenizer()
    tiny_llama(len(tokenizer)).save_pretrained(tmp_path / "tiny")
    adapter = save_adapter(tmp_path / "adapter", tmp_path / "tiny")
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "tiny")
    adapted = peft.PeftModel.from_pretrained(base, str(adapter))
    refused(tmp_path, adapted, tokenizer, method(), "the model has adapters")
    merged = load_model(str(adapter), "base_model", dtype=torch.float32, trained=True)
    train(merged, tokenizer, rated_groups(4), method(), tmp_path / "run", progress=False)
    assert (tmp_path / "run/model/model.safetensors").exists()


def test_adapters_on_a_merged_adapter_name_it_as_their_base(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    tokenizer = tiny_tokenizer()
    tiny_llama(len(tokenizer)).save_pretrained(tmp_path / "tiny")
    first = save_adapter(tmp_path / "first", tmp_path / "tiny")
    model = load_model(str(first), "base_model", dtype="auto", trained=True)
    how = method(lora=LoraConfig(rank=2))
    train(model, tokenizer, rated_groups(4), how, tmp_path / "run", progress=False)
    second = load_model(str(tmp_path / "run/adapter"), dtype=torch.float32)
    exported = load_model(str(tmp_path / "run/model"), dtype=torch.float32)
    for one, other in zip(second.parameters(), exported.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_word_of_the_data_without_an_embedding_is_named(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    model = tiny_llama(len(tokenizer))
    tokenizer.add_tokens(["wonderful"])
    groups = [rated("g0", ("how wonderful", 6.0), ("no", 1.0))]
    with pytest.raises(UserError, match=r"groups: g0: base_model: .*'wonderful'"):
        train(model, tokenizer, groups, method(), tmp_path, progress=False)
    assert train(model, tokenizer, rated_groups(4), method(), tmp_path, progress=False).steps == 1


def tied() -> Any:
    model = tiny_llama(len(tiny_tokenizer()))
    model.config.tie_word_embeddings = True
    model.tie_weights()
    return model


@pytest.mark.parametrize("targets", [["lm_head"], ["q_proj", "embed_tokens"], "lm_head|.*q_proj"])
def test_adapters_of_tied_layers_are_refused(tmp_path: Path, targets: Any) -> None:
    how = method(lora=LoraConfig(rank=2, target_modules=targets))
    refused_words = "shares its weights with another layer"
    with pytest.raises(UserError, match=refused_words):
        train(tied(), tiny_tokenizer(), rated_groups(4), how, tmp_path, progress=False)


@pytest.mark.parametrize("lora", [None, LoraConfig(rank=2)])
def test_tied_weights_are_saved_and_loaded_equal(tmp_path: Path, lora: Any) -> None:
    model = tied()
    how = method(lora=lora)
    train(model, tiny_tokenizer(), rated_groups(4), how, tmp_path, progress=False)
    saved = load_model(str(tmp_path / "model"), dtype=torch.float32)
    assert saved.lm_head.weight is saved.model.embed_tokens.weight
    if lora is None:
        for one, other in zip(saved.parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("lora", [None, LoraConfig(rank=2)])
def test_half_precision_is_trained_on_a_cpu(tmp_path: Path, dtype: Any, lora: Any) -> None:
    tokenizer = tiny_tokenizer()
    model = tiny_llama(len(tokenizer)).to(dtype)
    summary = train(model, tokenizer, rated_groups(4), method(lora=lora), tmp_path, progress=False)
    assert 0 < summary.loss_end < 20
    saved = load_model(str(tmp_path / "model"), dtype="auto")
    assert saved.dtype == torch.float32


def test_a_vocabulary_larger_than_the_tokenizer_is_fine(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    model = tiny_llama(len(tokenizer) + 9)
    check_fit(tokenizer, model.config, method().config)
    train(model, tokenizer, rated_groups(4), method(), tmp_path, progress=False)
    assert load_model(str(tmp_path / "model"), dtype=torch.float32).vocab_size == len(tokenizer) + 9
