"""Negative log-likelihoods of tokens without the logits of all tokens at once."""

from typing import Any

import torch
from torch import Tensor, nn


def chunked_nll(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, chunk: int
) -> Tensor:
    """Return negative log-likelihoods of tokens, computed for `chunk` tokens at a time.

    Matrix products are computed in the autocast type, if there is one. The log-sum-exp, and the sum
    of the weight's gradients over the chunks, are computed in float32: rounded to bfloat16 chunk by
    chunk, small gradients would be lost.

    Args:
        hidden: (tokens, features) input of the model's output layer.
        weight: (vocabulary, features) weight of the output layer.
        bias: (vocabulary,) bias of the output layer, or None.
        targets: (tokens,) token ids.
        chunk: Number of tokens whose logits are in memory at the same time.

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


def _exact(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()
