"""Sampling with a seed for each row, so that a draw does not depend on the batch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from transformers import LogitsProcessor


class SeededSampling(LogitsProcessor):  # type: ignore[misc]
    """Chooses the next token of each row by the row's own random numbers.

    To be used with greedy decoding: all logits except that of the chosen token become -inf. The
    order of the filters is temperature, top-k, top-p. A recorded log-probability is that of the
    whole vocabulary at the temperature, before the filters: what a trainer computes again.
    """

    def __init__(
        self,
        uniforms: Sequence[npt.NDArray[np.float64]],
        temperature: float,
        top_k: int,
        top_p: float,
        device: torch.device,
        records: bool = False,
    ) -> None:
        """Create the processor.

        Args:
            uniforms: Random numbers in [0, 1) for each row, one for each step.
            temperature: Sampling temperature, above 0.
            top_k: Number of likeliest tokens to sample from.
            top_p: Probability mass of the likeliest tokens to sample from.
            device: Device of the logits.
            records: Whether to record log-probabilities.
        """
        self.logprobs: list[torch.Tensor] = []
        """Log-probability of the chosen token of each row, by step; shape (rows,)."""
        self.uniforms = torch.tensor(np.stack(uniforms), dtype=torch.float32, device=device)
        self.temperature, self.top_k, self.top_p = temperature, top_k, top_p
        self.step, self.records = 0, records

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores of shape (rows, vocabulary) with one finite entry in each row."""
        draw = self.uniforms[:, self.step, None]
        self.step += 1
        if self.top_k >= scores.shape[-1] and self.top_p >= 1:
            # Nothing is filtered: no need to sort a vocabulary of fifty thousand tokens.
            below = (scores.float() / self.temperature).softmax(-1).cumsum(-1)
            place = torch.searchsorted(below, draw * below[:, -1:], right=True)
            return self._only(scores, place.clamp(max=scores.shape[-1] - 1))
        logits, tokens = scores.float().topk(min(self.top_k, scores.shape[-1]), dim=-1)
        weights = (logits / self.temperature).softmax(-1)
        weights = weights.masked_fill(weights.cumsum(-1) - weights >= self.top_p, 0.0)
        # Sorted by token id: two nearly equal logits may swap their ranks between batches, which
        # would move the draw to another token if the tokens were sorted by weight.
        tokens, order = tokens.sort(-1)
        below = weights.gather(-1, order).cumsum(-1)
        place = (below <= draw * below[:, -1:]).sum(-1, keepdim=True)
        return self._only(scores, tokens.gather(-1, place.clamp(max=tokens.shape[-1] - 1)))

    def _only(self, scores: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """Return scores that are finite at the chosen tokens (rows, 1) alone."""
        if self.records:
            self.logprobs.append(logprob(scores, chosen, self.temperature))
        return torch.full_like(scores, -torch.inf).scatter_(-1, chosen, 0.0)


class GreedyRecord(LogitsProcessor):  # type: ignore[misc]
    """Records the log-probabilities, at temperature 1, of the tokens that greedy decoding takes."""

    def __init__(self) -> None:
        """Create the processor, which leaves the logits as they are."""
        self.logprobs: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores."""
        self.logprobs.append(logprob(scores, scores.argmax(-1, keepdim=True), 1.0))
        return scores


def logprob(scores: torch.Tensor, tokens: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the log-probabilities of tokens (rows, 1) by logits (rows, vocabulary), as (rows,)."""
    logits = scores.float() / temperature
    return logits.gather(-1, tokens).squeeze(-1) - logits.logsumexp(-1)
