"""Tokenizers of all makes that are small enough to be made in the tests."""

from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer, UnigramTrainer
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from .tiny import tiny_tokenizer

CONTROL = ["<unk>", "<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
_TEXTS = [
    "How are you? I am fine, thank you. May I lie to my friend? Never do that; be kind.",
    "Rating: 7 ### Reason: it is honest. assistant user system the of and to a in",
    "<b>bold</b> a < b | c > d; im_end im_start [1] /s s unk think",
] * 20
_NAMES = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def byte_level(special: bool = True) -> Any:
    """Return a byte-level BPE; its control tokens of turns may not be marked as special."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        _TEXTS, BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    )
    inner.add_tokens([AddedToken(t, special=special, normalized=False) for t in CONTROL])
    return PreTrainedTokenizerFast(tokenizer_object=inner, **_NAMES)


def with_bos() -> Any:
    """Return a BPE after sentencepiece, which begins texts with a blank and with BOS, as Llama."""
    inner = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    inner.decoder = decoders.Sequence([decoders.Metaspace(), decoders.ByteFallback()])
    letters = [*CONTROL, *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = BpeTrainer(vocab_size=600, special_tokens=letters, show_progress=False)
    inner.train_from_iterator(_TEXTS, trainer)
    inner.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, **_NAMES)


def unigram() -> Any:
    """Return a Unigram, which knows its control tokens as pieces of text, as T5."""
    inner = Tokenizer(models.Unigram())
    inner.normalizer = normalizers.NFKC()
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    trainer = UnigramTrainer(
        vocab_size=200, special_tokens=CONTROL, unk_token="<unk>", show_progress=False
    )
    inner.train_from_iterator(_TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=inner, **_NAMES)


FAMILIES = {
    "byte-level": byte_level,
    "not special": lambda: byte_level(special=False),
    "sentencepiece with BOS": with_bos,
    "unigram": unigram,
    "words": tiny_tokenizer,
    "in Python": lambda: ByT5Tokenizer(extra_ids=4),
}
