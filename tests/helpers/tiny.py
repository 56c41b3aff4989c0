"""A language model and a tokenizer that are small enough to be made in the tests."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from social_sandbox.alignment.data.groups import Candidate, RatedGroup
from social_sandbox.envs.text.messages import Message

WORDS = "how are you ? i am fine thank go away please help me with this no never yes of course"
TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m.role }} {{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant {% endif %}"
)


def tiny_tokenizer() -> Any:
    """Return a tokenizer with one token for each word; `<|end|>` ends a turn."""
    special = ["<unk>", "<pad>", "<|start|>", "<|end|>"]
    words = [*special, "user", "assistant", "system", "###", "User", "Assistant", *WORDS.split()]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(words))}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r"\s+"), "removed")
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token="<unk>",
        pad_token="<pad>",
        eos_token="<|end|>",
        additional_special_tokens=["<|start|>"],
        chat_template=TEMPLATE,
    )


def tiny_llama(vocabulary: int, positions: int = 128) -> Any:
    """Return a random model that reads as many tokens as there are positions."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=positions,
            pad_token_id=1,
            eos_token_id=3,
            bos_token_id=None,
        )
    )


def rated(name: str, *candidates: tuple[str, float | None]) -> RatedGroup:
    return RatedGroup(
        id=name,
        kind="test",
        prompt=(Message("user", "how are you ?"),),
        candidates=tuple(Candidate(text, rating) for text, rating in candidates),
    )


def rated_groups(count: int) -> list[RatedGroup]:
    """Return groups of one to six candidates, in which kind words are rated high."""
    texts = [
        ("i am fine thank you", 7.0),
        ("fine thank you", 5.5),
        ("yes of course", 5.0),
        ("no", 3.0),
        ("go away", 1.0),
        ("never go away please", 2.0),
    ]
    return [
        rated(f"g{number}", *(texts[(number + i) % 6] for i in range(number % 6 + 1)))
        for number in range(count)
    ]


def save_tiny_model(folder: Path, positions: int = 128) -> Path:
    """Save the model and its tokenizer to a folder, for the setting `base_model`."""
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(folder)
    tiny_llama(len(tokenizer), positions).save_pretrained(folder)
    return folder


def save_adapter(folder: Path, base: Path) -> Path:
    """Save a LoRA adapter with large random weights, which change the likelihoods clearly."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, target_modules=["q_proj", "up_proj"])
    model = get_peft_model(LlamaForCausalLM.from_pretrained(base), config)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=1.0)
    model.save_pretrained(folder)
    return folder
