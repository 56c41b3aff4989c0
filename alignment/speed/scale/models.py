"""Models with random weights and a tokenizer for them, made without any file."""

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from ...training.memory.model_shape import ModelShape

POSITIONS = 8192
"""Positions that the models can read."""
_END, _PAD = "<|end|>", "<|pad|>"


def random_model(shape: ModelShape, device: torch.device, dtype: torch.dtype) -> Any:
    """Return a Llama with random weights, made on its device."""
    config = LlamaConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        head_dim=shape.head_size,
        intermediate_size=shape.intermediate,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=POSITIONS,
        bos_token_id=None,
        eos_token_id=256,
        pad_token_id=257,
    )
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            torch.manual_seed(0)
            return LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(default)


def byte_tokenizer(vocabulary: int) -> Any:
    """Return a tokenizer with a token for each byte, and as many others as a model has rows.

    Texts become their bytes. The other tokens only appear in what a model generates.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    others = [f"<{number}>" for number in range(vocabulary - len(letters) - 2)]
    tokens = [*letters, _END, _PAD, *others]
    inner = Tokenizer(models.BPE({token: n for n, token in enumerate(tokens)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=_END, pad_token=_PAD)
