"""How likely the responses of a batch are: one forward pass, and never all of its logits."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .chunked_nll import chunked_nll
from .encoding import IGNORED
from .losses import sequence_nll, token_nll


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Of the response tokens of a batch, in the order of its candidates."""

    nll: Tensor
    """(candidates,) mean nats per response token; 0 for a candidate without one."""
    count: Tensor
    """(candidates,) response tokens."""
    per_token: Tensor
    """(tokens,) nats, float32 at least."""
    targets: Tensor
    """(tokens,) the tokens' ids."""


class ResponseLikelihood:
    """Reads a collated batch with a model, and tells how likely each response is.

    Logits are made at positions that a response token follows, and nowhere else. With `chunk`
    they are made for so many positions at a time, in the backward pass once more: a vocabulary of
    50,000 takes 0.2 MB for a position in float32, and several copies of it. That is left out
    where the head is no plain linear layer, or the model does something to its logits.
    """

    def __init__(self, model: Any, chunk: int | None = None) -> None:
        """`model`: as it is before it is wrapped for several processes; `chunk`: positions."""
        # A LoRA model hides the signature of the model that it wraps.
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self.selects = "logits_to_keep" in inspect.signature(base.forward).parameters
        head = base.get_output_embeddings() if hasattr(base, "get_output_embeddings") else None
        plain = self.selects and type(head) is nn.Linear
        self.chunk = chunk if plain else None
        self._head: Any = head
        self._checked = False

    def __call__(self, model: Any, batch: Mapping[str, Any]) -> Likelihoods:
        """Read a batch; `model` is the one of the constructor, or a wrapper of it."""
        keep, order, sequence, targets = _positions(batch)
        inputs = _inputs(batch)
        per_token = None
        if self.chunk:
            per_token = self._in_chunks(model, inputs, keep, order, targets)
        if per_token is None:
            selection = {"logits_to_keep": keep} if self.selects else {}
            logits = model(**inputs, **selection).logits
            per_token = token_nll((logits if logits.dim() == 2 else logits[keep])[order], targets)
        nll, count = sequence_nll(per_token, sequence, batch["rating"].shape[0])
        return Likelihoods(nll, count, per_token, targets)

    def _in_chunks(
        self, model: Any, inputs: Mapping[str, Any], keep: Tensor, order: Tensor, targets: Tensor
    ) -> Tensor | None:
        """(tokens,) nats; None where the model's logits are not what its head gives."""
        with _likelihoods_for_logits(self._head, order, targets, self.chunk or 1) as given:
            # Within the model's own forward, so that wrappers which gather weights or gradients
            # see the head used.
            found = model(**inputs, logits_to_keep=keep).logits
        if not self._checked:
            if len(given) != 1 or not torch.equal(found.detach(), given[0]):
                self.chunk = None
                return None
            self._checked = len(targets) > 0
        return found.squeeze(-1)  # type: ignore[no-any-return]


def response_tokens(batch: Mapping[str, Any]) -> Tensor:
    """(candidates,) how many response tokens each candidate of a collated batch has."""
    _, _, sequence, _ = _positions(batch)
    return torch.bincount(sequence, minlength=batch["rating"].shape[0])


@contextmanager
def _likelihoods_for_logits(
    head: Any, order: Tensor, targets: Tensor, chunk: int
) -> Iterator[list[Tensor]]:
    """Within it a linear head gives (tokens, 1) likelihoods instead of logits; gives what it gave.

    `order` says for each target which of the positions that the head is given predicts it.
    """
    given: list[Tensor] = []

    def forward(hidden: Tensor) -> Tensor:
        nll = chunked_nll(hidden[order], head.weight, head.bias, targets, chunk)[:, None]
        given.append(nll.detach())
        return nll

    own = head.__dict__.get("forward")
    head.forward = forward
    try:
        yield given
    finally:
        if own is None:
            del head.forward
        else:
            head.forward = own


def _positions(batch: Mapping[str, Any]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return where response tokens are predicted: positions of shape (rows, length).

    For each response token, also return its number, its candidate and its id.
    """
    labels = batch["labels"]
    learnt = labels != IGNORED
    # Nothing stands before a row's first token.
    learnt[:, :1] = False
    row, column = learnt.nonzero(as_tuple=True)
    before, sequence = column - 1, row
    if "segment" in batch:
        segment = batch["segment"]
        own = segment[row, column]
        last_of_prompt = (segment == 0).sum(1) - 1
        # A packed response begins where the prompt ended, not where its neighbour did.
        before = torch.where(segment[row, before] == own, before, last_of_prompt[row])
        sequence = own - 1
    keep = torch.zeros_like(learnt)
    keep[row, before] = True
    place = keep.flatten().cumsum(0) - 1
    return keep, place[row * labels.shape[1] + before], sequence, labels[learnt]


def _inputs(batch: Mapping[str, Any]) -> dict[str, Any]:
    if "segment" not in batch:
        mask = {"attention_mask": batch["attention_mask"]}
    else:
        segment = batch["segment"]
        # Each token sees the prompt and what comes before it in its own response.
        same = segment[:, None, :] == segment[:, :, None]
        sees = ((segment == 0)[:, None, :] | same).tril()
        mask = {"attention_mask": sees[:, None], "position_ids": batch["position_ids"]}
    return {"input_ids": batch["input_ids"], "use_cache": False, **mask}
