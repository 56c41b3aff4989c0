"""How likely the responses of a batch are: one forward pass, and never all of its logits."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .losses import IGNORED, sequence_nll, token_nll


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


def chunked_nll(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, chunk: int
) -> Tensor:
    """Negative log-likelihoods of tokens, with the logits of `chunk` of them at a time.

    The products are computed in the autocast type, if there is one; log-sum-exp and the sum of the
    weight's gradients over chunks in float32: rounded to bfloat16 one by one, small ones are lost.

    Args:
        hidden: (tokens, features) what the head reads.
        weight: (vocabulary, features) of the head.
        bias: (vocabulary,), or None.
        targets: (tokens,) ids.
        chunk: tokens at a time.

    Returns:
        (tokens,) nats, float32 (float64 for float64).
    """
    kind = hidden.device.type
    cast = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
    return _ChunkedNLL.apply(hidden, weight, bias, targets, chunk, cast)  # type: ignore[no-any-return, no-untyped-call]


class _ChunkedNLL(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        chunk: int,
        cast: torch.dtype,
    ) -> Tensor:
        matrix, offset = weight.to(cast), None if bias is None else bias.to(cast)
        normalisers = [_exact(hidden.new_empty(0))]
        nll = [normalisers[0]]
        for at in range(0, len(targets), chunk):
            read = hidden[at : at + chunk].to(cast)
            logits = _exact(nn.functional.linear(read, matrix, offset))
            normalisers.append(logits.logsumexp(1))
            of_target = logits.gather(1, targets[at : at + chunk, None])[:, 0]
            nll.append(normalisers[-1] - of_target)
        ctx.save_for_backward(hidden, weight, bias, targets, torch.cat(normalisers))
        ctx.chunk, ctx.cast = chunk, cast
        return torch.cat(nll)

    @staticmethod
    def backward(ctx: Any, *wanted: Any) -> Any:
        hidden, weight, bias, targets, normaliser = ctx.saved_tensors
        matrix = weight.to(ctx.cast)
        offset = None if bias is None else bias.to(ctx.cast)
        of_hidden, of_weight, of_bias = (
            None if not needed else torch.zeros_like(tensor, dtype=_exact(tensor[:0]).dtype)
            for needed, tensor in zip(ctx.needs_input_grad, (hidden, weight, bias), strict=False)
        )
        for at in range(0, len(targets), ctx.chunk):
            rows = slice(at, at + ctx.chunk)
            read = hidden[rows].to(ctx.cast)
            exact = _exact(nn.functional.linear(read, matrix, offset))
            exact = exact.sub_(normaliser[rows, None]).exp_()
            exact[torch.arange(len(read), device=read.device), targets[rows]] -= 1
            exact *= wanted[0][rows, None]
            of_logits = exact.to(ctx.cast)
            if of_hidden is not None:
                of_hidden[rows] = of_logits @ matrix
            if of_weight is not None and of_weight.dtype == ctx.cast:
                of_weight.addmm_(of_logits.T, read)
            elif of_weight is not None:
                of_weight += of_logits.T @ read
            if of_bias is not None:
                of_bias += exact.sum(0)
        return (
            None if of_hidden is None else of_hidden.to(hidden.dtype),
            None if of_weight is None else of_weight.to(weight.dtype),
            None if of_bias is None else of_bias.to(bias.dtype),
            *(None, None, None),
        )


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
    """Which positions (rows, length) predict a response token, and about each response token:
    which of those it is, the candidate that it belongs to, and its id."""
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


def _exact(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()
