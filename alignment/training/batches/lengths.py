"""Lengths of prompts and responses in tokens, measured before training."""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...data.groups import RatedGroup, trainable
from ...data.validation import Report
from .encoding import encode

_NO_LIMIT = 2**31


def measure_lengths(groups: Iterable[RatedGroup], tokenizer: Any, max_length: int) -> Report:
    """Measure the lengths of prompts and trainable responses in tokens.

    Args:
        groups: Rated groups; each trainable candidate is measured with its prompt.
        tokenizer: Tokenizer of the model that is to be trained.
        max_length: Largest number of tokens that training reads of a prompt and its response.

    Returns:
        `max_length`; `prompt` and `response`, each with `median`, `p95` and `max`; `truncated`
        (number of candidates that lose tokens under `max_length`) and `share_truncated`.

    Raises:
        UserError: `encode` cannot encode a prompt and its response.
    """
    prompts, responses, truncated = array("q"), array("q"), 0
    for group in groups:
        for candidate in filter(trainable, group.candidates):
            encoded = encode(
                tokenizer, group.prompt, candidate.text, _NO_LIMIT, ends=candidate.ends
            )
            prompts.append(len(encoded.input_ids) - encoded.n_response)
            responses.append(encoded.n_response)
            truncated += len(encoded.input_ids) > max_length
    return {
        "max_length": max_length,
        "prompt": _distribution(prompts),
        "response": _distribution(responses),
        "truncated": truncated,
        "share_truncated": truncated / len(prompts) if prompts else 0.0,
    }


def _distribution(lengths: Sequence[int]) -> dict[str, int]:
    if not lengths:
        return {"median": 0, "p95": 0, "max": 0}
    median, p95 = np.quantile(lengths, [0.5, 0.95], method="higher")
    return {"median": int(median), "p95": int(p95), "max": max(lengths)}
