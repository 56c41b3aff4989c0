"""Tokens of prompts and responses, measured before training."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..data.groups import RatedGroup, trainable
from ..data.validation import Report
from .encoding import encode

_NO_LIMIT = 2**31


def measure_lengths(groups: Iterable[RatedGroup], tokenizer: Any, max_length: int) -> Report:
    """Tokens of prompts and of trainable responses, and what `max_length` would cut.

    Gives `max_length`, `prompt` and `response` (median, p95, max), `truncated` (candidates that
    lose something) and `share_truncated`. Raises UserError as `encode` does.
    """
    prompts, responses, total, truncated = [], [], 0, 0
    for group in groups:
        for candidate in filter(trainable, group.candidates):
            whole = encode(tokenizer, group.prompt, candidate.text, _NO_LIMIT, ends=candidate.ends)
            prompts.append(len(whole.input_ids) - whole.n_response)
            responses.append(whole.n_response)
            total += 1
            truncated += len(whole.input_ids) > max_length
    return {
        "max_length": max_length,
        "prompt": _spread(prompts),
        "response": _spread(responses),
        "truncated": truncated,
        "share_truncated": truncated / total if total else 0.0,
    }


def _spread(lengths: Sequence[int]) -> dict[str, int]:
    if not lengths:
        return {"median": 0, "p95": 0, "max": 0}
    median, p95 = np.quantile(lengths, [0.5, 0.95], method="higher")
    return {"median": int(median), "p95": int(p95), "max": max(lengths)}
