"""Models of all makes: what can be loaded is mended, and the rest is named before it is loaded."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaForCausalLM

from social_sandbox.envs import UserError
from social_sandbox.envs.text.messages import Message
from social_sandbox.policies.huggingface.capacity import (
    fit_tokens,
    mend_generation_config,
    positions,
)
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.huggingface.shared_model import (
    base_model_of,
    check_model,
    load_model,
    load_tokenizer,
)
from social_sandbox.policies.huggingface.smollm2 import smollm2_folder_name
from social_sandbox.policies.prompts.prompts import Prompt
from tests.helpers.tiny import save_adapter, save_tiny_model, tiny_llama, tiny_tokenizer

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"
WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_tiny_model(tmp_path / "tiny")


def with_config(folder: Path, **settings: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def without(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def written(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def configured(**settings: Any) -> Callable[[Path], None]:
    return lambda folder: with_config(folder, **settings)


def cut(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def headless(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights["lm_head.weight"]
    save_file(weights, folder / WEIGHTS, {"format": "pt"})


def one_shard_missing(folder: Path) -> None:
    LlamaForCausalLM.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / WEIGHTS).unlink(missing_ok=True)
    sorted(folder.glob("model-*.safetensors"))[1].unlink()


def check(folder: Path) -> None:
    check_model(str(folder), "base_model", trained=True)
    load_tokenizer(str(folder), "base_model")


CODE = {"auto_map": {"AutoConfig": "a.B"}, "model_type": "weird"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without(WEIGHTS), r"no weights \(\*\.safetensors\)"),
        (written(WEIGHTS, POINTER), "is a Git LFS pointer"),
        (written("tokenizer.json", POINTER), "is a Git LFS pointer"),
        (written("generation_config.json", b"{"), "generation_config.json is no JSON"),
        (written("generation_config.json", b"[]"), "generation_config.json is no JSON object"),
        (written("generation_config.json", b'{"max_new_tokens": -1}'), "max_new_tokens"),
        (written("config.json", b""), "config.json is no JSON"),
        (cut, "is cut off or damaged"),
        (pickled, r"are a pickle \(pytorch_model\.bin\)"),
        (one_shard_missing, "which its index names"),
        (configured(**CODE), "needs Python code of its own"),
        (configured(model_type="weird"), "model type `weird`"),
        (configured(model_type="t5", is_encoder_decoder=True), "is an encoder-decoder model"),
        (configured(model_type="bert"), r"is an encoder \(bert\)"),
        (configured(model_type="vit"), "is no causal language model"),
        (configured(architectures=["BertForMaskedLM"]), "is a BertForMaskedLM"),
        (
            configured(quantization_config={"quant_method": "gptq", "bits": 4}),
            r"quantised \(gptq\)",
        ),
    ],
)
def test_a_model_that_cannot_be_trained_is_named_before_it_is_loaded(
    folder: Path, change: Callable[[Path], None], words: str
) -> None:
    change(folder)
    with pytest.raises(UserError, match=words) as error:
        check(folder)
    assert str(error.value).startswith("base_model: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (headless, "lack the weights lm_head.weight"),
        (configured(vocab_size=7), "cannot load"),
    ],
)
def test_weights_that_do_not_fit_are_named(
    folder: Path, change: Callable[[Path], None], words: str
) -> None:
    change(folder)
    with pytest.raises(UserError, match=words) as error:
        load_model(str(folder), "base_model", dtype=torch.float32)
    assert "\n" not in str(error.value)


def test_weights_in_shards_and_of_tied_layers_are_loaded(folder: Path, tmp_path: Path) -> None:
    model = LlamaForCausalLM.from_pretrained(folder)
    model.save_pretrained(folder, max_shard_size="20KB")
    (folder / WEIGHTS).unlink(missing_ok=True)
    assert same(load_model(str(folder), dtype=torch.float32), model)
    headless_model = tiny_llama(40)
    headless_model.config.tie_word_embeddings = True
    headless_model.tie_weights()
    headless_model.save_pretrained(tmp_path / "tied")
    loaded = load_model(str(tmp_path / "tied"), dtype=torch.float32)
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight


def same(model: Any, other: Any) -> bool:
    return all(
        torch.equal(one, two)
        for one, two in zip(model.parameters(), other.parameters(), strict=True)
    )


@pytest.mark.parametrize("stored", ["float16", "bfloat16", "float8_e4m3fn", "float64"])
def test_weights_of_every_type_are_loaded_in_one_that_trains(folder: Path, stored: str) -> None:
    weights = {k: v.to(getattr(torch, stored)) for k, v in load_file(folder / WEIGHTS).items()}
    save_file(weights, folder / WEIGHTS, {"format": "pt"})
    with_config(folder, dtype=stored)
    model = load_model(str(folder), "base_model", dtype="auto", trained=True)
    assert model.dtype in (torch.float16, torch.bfloat16, torch.float32)


def test_an_adapter_is_merged_into_its_base(folder: Path, tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "adapter", folder)
    ids = torch.tensor([[5, 6, 7]])
    base = load_model(str(folder), dtype=torch.float32)
    merged = load_model(str(adapter), dtype=torch.float32, trained=True)
    assert not torch.allclose(merged(ids).logits, base(ids).logits)
    assert all(parameter.requires_grad for parameter in merged.parameters())
    policy = HuggingFacePolicy(str(folder), adapter=str(adapter), dtype="float32")
    with policy.as_it_speaks() as speaking:
        torch.testing.assert_close(merged(ids).logits, speaking(ids).logits, rtol=1e-3, atol=1e-3)
    assert load_tokenizer(str(adapter)).eos_token == "<|end|>"


def test_the_base_of_an_adapter_is_found_beside_it_or_named(folder: Path, tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "adapter", folder)
    config = adapter / "adapter_config.json"
    settings = json.loads(config.read_text())
    config.write_text(json.dumps(settings | {"base_model_name_or_path": "../tiny"}))
    check_model(str(adapter))
    shutil.rmtree(folder)
    config.write_text(json.dumps(settings))
    with pytest.raises(
        UserError, match=r"base_model: base model of the adapter .*: no such folder"
    ):
        load_model(str(adapter), "base_model", dtype=torch.float32)
    embedded = f"/elsewhere/{smollm2_folder_name()}"
    config.write_text(json.dumps(settings | {"base_model_name_or_path": embedded}))
    assert base_model_of(str(adapter)) == "smollm2"
    config.write_text(json.dumps(settings | {"base_model_name_or_path": str(adapter)}))
    with pytest.raises(UserError, match="adapter of an adapter"):
        check_model(str(adapter), "base_model")
    config.write_text(json.dumps(settings | {"base_model_name_or_path": None}))
    with pytest.raises(UserError, match="names no base_model_name_or_path"):
        check_model(str(adapter), "base_model")


def test_a_padding_token_without_an_embedding_is_replaced(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokenizer = tiny_tokenizer()
    rows = len(tokenizer)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(folder)
    with caplog.at_level(logging.WARNING):
        policy = HuggingFacePolicy(str(folder), max_new_tokens=2)
        policy.generate(
            [Prompt((Message("user", text),)) for text in ("how", "i am fine")], [1, 2], 2
        )
    assert policy.tokenizer.pad_token == "<|end|>"
    assert "no embedding for the pad_token '[PAD]'" in caplog.text
    tokenizer.add_special_tokens({"eos_token": "[EOS]"})
    with pytest.raises(UserError, match=r"the eos_token '\[EOS\]' of its tokenizer has the id"):
        fit_tokens(tokenizer, rows, "base_model")


@pytest.mark.parametrize("number", [-1, 10_000])
def test_a_padding_id_of_the_configuration_without_an_embedding_is_left_out(
    folder: Path, number: int
) -> None:
    with_config(folder, pad_token_id=number)
    model = load_model(str(folder), "base_model", dtype=torch.float32, trained=True)
    assert model.config.pad_token_id is None
    policy = HuggingFacePolicy(str(folder), max_new_tokens=2)
    assert len(policy.generate([Prompt((Message("user", "how"),))], [1], 2)) == 1


def test_a_prompt_beyond_the_positions_is_named(folder: Path) -> None:
    gpt2(folder, 16)
    with pytest.raises(UserError, match=r"policy.max_new_tokens=64 is longer than the 16 pos"):
        HuggingFacePolicy(str(folder))
    policy = HuggingFacePolicy(str(folder), max_new_tokens=8, reason_tokens=1)
    with pytest.raises(UserError, match="has 16 positions, and a prompt of"):
        policy.generate([Prompt((Message("user", "how are you " * 6),))], [1], 8)
    assert positions(tiny_llama(40).config) is None


def gpt2(folder: Path, count: int) -> None:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tiny_tokenizer()), n_positions=count, n_embd=32, n_layer=1, n_head=2
    )
    GPT2LMHeadModel(config).save_pretrained(folder)


@pytest.mark.parametrize(
    ("settings", "samples"),
    [
        ({"do_sample": False, "temperature": 0.9, "top_p": 0.6}, True),
        ({"temperature": 0.7}, True),
        ({"do_sample": False, "temperature": 0.0}, False),
        ({"do_sample": True, "top_k": 20}, True),
        ({}, False),
    ],
)
def test_settings_of_generation_are_mended_so_that_they_can_be_saved(
    tmp_path: Path, settings: dict[str, Any], samples: bool
) -> None:
    from transformers import GenerationConfig

    config = GenerationConfig(**settings)
    mend_generation_config(config, "base_model")
    config.save_pretrained(tmp_path)
    assert bool(config.do_sample) is samples


@pytest.mark.parametrize("name", ["float8_e4m3fn", "int8", "half", "nn"])
def test_a_type_in_which_models_do_not_compute_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"policy\.dtype: must be"):
        HuggingFacePolicy(str(folder), dtype=name)
