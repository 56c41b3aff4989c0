"""Which prompts had better go through a model together."""

from collections.abc import Sequence
from itertools import pairwise

import torch


def batches(
    lengths: Sequence[int],
    new_tokens: int,
    *,
    max_rows: int,
    max_tokens: int,
    device: torch.device,
) -> list[range]:
    """The cheapest way to cut prompts into batches, which lie side by side.

    A batch costs what it is padded to, and its passes: one to read and one a new token. One more
    batch means as many passes more; one batch less means more padding.

    Args:
        lengths: tokens of each prompt, the longest first.
        new_tokens: to be generated behind each.
        max_rows: at most so many prompts in a batch.
        max_tokens: at most so many tokens, padding and new ones included, except of one prompt.
        device: where they are computed.
    """
    passes = (1 + new_tokens) * pass_in_tokens(device)
    best = [0.0] + [float("inf")] * len(lengths)
    begins = [0] * (len(lengths) + 1)
    for end in range(1, len(lengths) + 1):
        for start in range(end - 1, max(-1, end - 1 - max_rows), -1):
            rows, width = end - start, lengths[start]
            if rows > 1 and rows * (width + new_tokens) > max_tokens:
                break
            cost = best[start] + rows * width + passes
            if cost < best[end]:
                best[end], begins[end] = cost, start
    cuts = [len(lengths)]
    while cuts[-1]:
        cuts.append(begins[cuts[-1]])
    return [range(start, end) for end, start in pairwise(cuts)][::-1]


def pass_in_tokens(device: torch.device) -> float:
    """Tokens that could be read in the time that a pass takes besides them.

    On a CPU measured with SmolLM2: 56 ms for a pass with one token, and 1 ms for each more.
    """
    return 50.0 if device.type == "cpu" else 2500.0
