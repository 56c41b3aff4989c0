"""Control tokens that people and models spell out in their texts.

A local tokenizer is told to read them as plain text, see `huggingface.control_tokens`. A server
tokenises by itself, and so do other trainers that read an export: for them the spellings are broken
by a space, and the recorded text stays as it was.
"""

import re
from itertools import pairwise

CONTROL_TOKEN = re.compile(
    r"""
      <\|[^<>|\s]{1,60}\|?> | <[^<>|\s]{1,60}\|>  # <|im_end|>, <|eot_id|>, <|turn>, <turn|>
    | <\uff5c[^<>\uff5c\s]{1,60}\uff5c>           # DeepSeek, with full-width bars
    | \[\|[^\[\]|\s]{1,60}\|\]                    # Exaone
    | <</?SYS>>                                   # Llama 2
    | \[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK|ARGS)\]
    | \[(?:CLS|SEP|PAD|MASK|UNK|BOS|EOS|gMASK)\]
    | </?(?:s|unk|pad|bos|eos|mask|sep|cls|sop|eop)>
    | <(?:BOS|EOS|PAD|UNK|EOD|EOP)(?:_TOKEN)?>
    | <(?:start|end)_of_[a-z]+>                   # Gemma
    | </?(?:think|thinking|thought|tool|tool_call|tool_response|function_call|seed:\w{1,20})>
    | <(?:unused|reserved|extra_id|SPECIAL)_?\d+>
    """,
    re.VERBOSE,
)
"""The spellings of the control tokens of known families of models."""


def defused(text: str) -> str:
    """Return a text in which no known control token is spelled: `<|im_end|>` as `< |im_end|>`."""
    if ("<" not in text and "[" not in text) or not CONTROL_TOKEN.search(text):
        return text
    # Not CONTROL_TOKEN.sub: a second token may begin inside of the first.
    places = [at for at in range(len(text)) if CONTROL_TOKEN.match(text, at)]
    cuts = [0, *(at + 1 for at in places), len(text)]
    return " ".join(text[start:end] for start, end in pairwise(cuts))
