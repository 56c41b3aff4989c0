"""Sampling that belongs to the turn: the same draw in any batch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from transformers import LogitsProcessor


class SeededSampling(LogitsProcessor):  # type: ignore[misc]
    """Chooses each row's next token with a random number of the row's own.

    Used with greedy decoding: all logits but the chosen token's become -inf. Temperature, top-k
    and top-p act in this order.
    """

    def __init__(
        self,
        uniforms: Sequence[npt.NDArray[np.float64]],
        temperature: float,
        top_k: int,
        top_p: float,
        device: torch.device,
    ) -> None:
        """`uniforms`: a row's random numbers in [0, 1), one a step."""
        self.uniforms = torch.tensor(np.stack(uniforms), dtype=torch.float32, device=device)
        self.temperature, self.top_k, self.top_p = temperature, top_k, top_p
        self.step = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores of shape (rows, vocabulary) with one finite entry a row."""
        draw = self.uniforms[:, self.step, None]
        self.step += 1
        logits, tokens = scores.float().topk(min(self.top_k, scores.shape[-1]), dim=-1)
        weights = (logits / self.temperature).softmax(-1)
        weights = weights.masked_fill(weights.cumsum(-1) - weights >= self.top_p, 0.0)
        # In the order of token ids: two nearly equal logits may swap their rank from batch to
        # batch, which in the order of weights would move the draw to another token.
        tokens, order = tokens.sort(-1)
        below = weights.gather(-1, order).cumsum(-1)
        place = (below <= draw * below[:, -1:]).sum(-1, keepdim=True)
        chosen = tokens.gather(-1, place.clamp(max=tokens.shape[-1] - 1))
        return torch.full_like(scores, -torch.inf).scatter_(-1, chosen, 0.0)
