"""Likelihoods of the responses of a batch, from one forward pass that makes few logits."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..batches.batching import Batch
from .chunked_nll import chunked_nll
from .losses import sequence_nll, token_nll


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Likelihoods of the response tokens of a batch, in the order of its candidates."""

    nll: Tensor
    """(candidates,) mean nats per response token; 0 for a candidate without one."""
    count: Tensor
    """(candidates,) response tokens."""
    per_token: Tensor
    """(tokens,) nats, float32 at least."""


class ResponseLikelihood:
    """Computes how likely a model finds each response of a batch.

    Logits are made only at positions that predict a response token. With `chunk`, they are made
    for at most so many positions at a time, and once more in the backward pass: with a vocabulary
    of 50,000, the logits of a position take 0.2 MB in float32, and several copies are needed. No
    chunks are used where the head is not a plain linear layer or where the model changes its
    logits.
    """

    def __init__(self, model: Any, chunk: int | None = None) -> None:
        """Inspect a model.

        Args:
            model: the model before it is wrapped for several processes.
            chunk: positions whose logits are made at a time; None: all.
        """
        # A LoRA model hides the signature of the model that it wraps.
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.selects = "logits_to_keep" in inspect.signature(base.forward).parameters
        head = base.get_output_embeddings() if hasattr(base, "get_output_embeddings") else None
        plain = self.selects and type(head) is nn.Linear
        self.chunk = chunk if plain else None
        self._head: Any = head
        self._checked = False

    def __call__(self, model: Any, batch: Batch) -> Likelihoods:
        """Read a batch on the model's device; `model`: that of the constructor, or a wrapper."""
        keep, targets = batch["predicts"], batch["targets"]
        inputs = _inputs(batch)
        per_token = None
        if self.chunk:
            per_token = self._in_chunks(model, inputs, batch)
        if per_token is None:
            selection = {"logits_to_keep": keep} if self.selects else {}
            logits = model(**inputs, **selection).logits
            kept = logits if logits.dim() == 2 else logits[keep]
            per_token = token_nll(kept[batch["prediction"]], targets)
        nll, count = sequence_nll(per_token, batch["candidate"], batch["rating"].shape[0])
        return Likelihoods(nll, count, per_token)

    def _in_chunks(self, model: Any, inputs: Mapping[str, Any], batch: Batch) -> Tensor | None:
        """Return (tokens,) nats; None where the model's logits differ from its head's output."""
        order, targets = batch["prediction"], batch["targets"]
        with _likelihoods_for_logits(self._head, order, targets, self.chunk or 1) as outputs:
            # The head runs within the model's own forward, so that wrappers which gather weights
            # or gradients see that it is used.
            nll = model(**inputs, logits_to_keep=batch["predicts"]).logits
        if not self._checked:
            if len(outputs) != 1 or not torch.equal(nll.detach(), outputs[0]):
                self.chunk = None
                return None
            self._checked = len(targets) > 0
        return nll.squeeze(-1)  # type: ignore[no-any-return]


@contextmanager
def _likelihoods_for_logits(
    head: Any, order: Tensor, targets: Tensor, chunk: int
) -> Iterator[list[Tensor]]:
    """Make a linear head return (tokens, 1) likelihoods instead of logits while in the context.

    Args:
        head: the linear layer.
        order: (tokens,) which of the positions that the head reads predicts the token.
        targets: (tokens,) ids.
        chunk: positions whose logits are made at a time.

    Yields:
        The detached outputs of the head, one for each call.
    """
    outputs: list[Tensor] = []

    def forward(hidden: Tensor) -> Tensor:
        nll = chunked_nll(hidden[order], head.weight, head.bias, targets, chunk)
        # FSDP2 asks modules for tensors that are no views of others.
        nll = nll[:, None].clone()
        outputs.append(nll.detach())
        return nll

    former = head.__dict__.get("forward")
    head.forward = forward
    try:
        yield outputs
    finally:
        if former is None:
            del head.forward
        else:
            head.forward = former


def _inputs(batch: Batch) -> dict[str, Any]:
    if "segment" not in batch:
        mask: dict[str, Tensor] = {"attention_mask": batch["attention_mask"]}
    else:
        segment = batch["segment"]
        # Each token sees the prompt and what comes before it in its own response.
        same = segment[:, None, :] == segment[:, :, None]
        sees = ((segment == 0)[:, None, :] | same).tril()
        mask = {"attention_mask": sees[:, None], "position_ids": batch["position_ids"]}
    return {"input_ids": batch["input_ids"], "use_cache": False, **mask}
