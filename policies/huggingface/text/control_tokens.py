"""Texts of people and models as token ids, in which control tokens are plain text.

Anybody who writes a question, an answer or a reason can spell `<|im_end|>`. A tokenizer would make
the control token of it, which closes the turn. Texts are therefore sealed: what is spelled like a
control token is marked, in the way of transformers' `sanitize_control_tokens`, and the marked part
is read letter by letter. A text that spells none is left as it is.
"""

import re
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from ...prompts.control_tokens import CONTROL_TOKEN

# The marks of transformers, which is not imported here, because that takes long.
_BEGIN, _END = "\U000f0000", "\U000f0001"
_MARK = re.compile(f"[{_BEGIN}{_END}]")
_MARKED = re.compile(f"{_BEGIN}(?:([^{_END}])([^{_END}]+)|[^{_END}]){_END}")
_BYTE = re.compile("<0x[0-9A-F]{2}>")
"""The spelling of a byte, of which tokenizers make characters that they do not know."""


@dataclass(frozen=True, slots=True)
class ControlTokens:
    """The control tokens of a tokenizer.

    Attributes:
        spelling: Matches what is spelled like one of them, and the marks of sealed texts.
        first: Matches the first characters of their spellings, which is much quicker.
        ids: Their ids, without that of unknown characters, which stands in ordinary texts.
        begins: The ids with which the tokenizer begins texts: none, or that of its BOS.
    """

    spelling: re.Pattern[str]
    first: re.Pattern[str]
    ids: frozenset[int]
    begins: tuple[int, ...]


_known: "WeakKeyDictionary[Any, tuple[object, ControlTokens]]" = WeakKeyDictionary()


def control_tokens(tokenizer: Any) -> ControlTokens:
    """Return the control tokens of a tokenizer: its special tokens, and what it uses like them.

    Many tokenizers have added tokens that are not marked as special, and yet frame the turns, such
    as `<think>`. Others are words, HTML tags or runs of blanks, which are no control tokens.
    """
    state = (tokenizer.chat_template, len(tokenizer), tokenizer.eos_token, tokenizer.bos_token)
    known = _known.get(tokenizer)
    if known is None or known[0] != state:
        known = _known[tokenizer] = (state, _control_tokens(tokenizer))
    return known[1]


def seal(tokenizer: Any, text: str) -> str:
    """Return a text with marks around what is spelled like a control token of a tokenizer."""
    from transformers.utils.chat_template_utils import mark_control_tokens

    known = control_tokens(tokenizer)
    spelling = known.spelling
    normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
    if normalizer is not None:
        # A normalizer may make a control token of other letters, such as those of full width.
        normal = normalizer.normalize_str(text)
        hidden = known.first.search(normal) is not None
        if hidden and len(spelling.findall(normal)) > len(spelling.findall(text)):
            text = normal
    quick = known.first.search(text) or _is_marked(text)
    return mark_control_tokens(text, spelling) if quick and spelling.search(text) else text


def sealed_ids(tokenizer: Any, text: str) -> list[int]:
    """Return the token ids of a sealed text, in which control tokens without marks are such."""
    if not _is_marked(text):
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    from transformers.utils.chat_template_utils import encode_marked_chat

    try:
        return list(encode_marked_chat(tokenizer, text))
    except ValueError:
        # Tokenizers of whole words and Unigram know the spelling as a piece of text.
        return list(tokenizer(shown(text), add_special_tokens=False)["input_ids"])


def shown(text: str) -> str:
    """Return a sealed text without marks; a blank breaks what they mark: `< |im_end|>`."""
    return unmarked(_MARKED.sub(r"\1 \2", text))


def unmarked(text: str) -> str:
    """Return a text without the characters of marks, which nobody needs to write."""
    return _MARK.sub("", text) if _is_marked(text) else text


def text_ids(tokenizer: Any, text: str) -> list[int]:
    """Return the token ids of a text of people or models, none of which is a control token."""
    ids = sealed_ids(tokenizer, seal(tokenizer, text))
    control = control_tokens(tokenizer).ids
    return ids if control.isdisjoint(ids) else [number for number in ids if number not in control]


def _is_marked(text: str) -> bool:
    return _BEGIN in text or _END in text


def _control_tokens(tokenizer: Any) -> ControlTokens:
    template = str(tokenizer.chat_template or "")
    listed = {
        *tokenizer.all_special_tokens,
        *(getattr(tokenizer, "chat_control_tokens", None) or ()),
    }
    ends = (tokenizer.bos_token, tokenizer.eos_token)
    found: dict[str, int] = {}
    for number, token in tokenizer.added_tokens_decoder.items():
        text = token.content
        # A sign or a word, such as "!" for padding, stands in ordinary texts.
        word = len(text) == 1 or not re.search(r"[^\w\s]|_", text)
        if not text.strip() or _BYTE.fullmatch(text) or (word and text not in ends):
            continue
        if token.special or text in listed or text in template or CONTROL_TOKEN.fullmatch(text):
            found[text] = number
    longest_first = sorted(found, key=len, reverse=True)
    spelling = re.compile("|".join([*map(re.escape, longest_first), _MARK.pattern]))
    first = re.compile(
        "[" + "".join(sorted({re.escape(t[0]) for t in found})) + "]" if found else "(?!)"
    )
    ids = set(found.values())
    if tokenizer.unk_token_id not in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        ids.discard(tokenizer.unk_token_id)
    plain, whole = (
        tokenizer("a", add_special_tokens=special)["input_ids"] for special in (False, True)
    )
    bos = [tokenizer.bos_token_id]
    begins = whole[:1] == bos and plain[:1] != bos
    return ControlTokens(spelling, first, frozenset(ids), tuple(bos) if begins else ())
