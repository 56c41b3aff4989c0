"""Likelihoods of given continuations under a causal language model."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from social_sandbox.envs.text.messages import Message
from social_sandbox.policies.huggingface.attention import can_share
from social_sandbox.policies.huggingface.batches import pass_in_tokens
from social_sandbox.policies.huggingface.prefixes import Row, levels, read

from ..training.batches.encoding import encode

MAX_ROWS = 48
"""Most continuations of one batch."""
MAX_TOKENS = 12_288
"""Most tokens of one batch, padding included."""


def mean_nll(
    model: Any,
    tokenizer: Any,
    replies: Sequence[tuple[Sequence[Message], str]],
    *,
    max_length: int,
) -> list[float]:
    """Return the mean negative log-likelihood of replies, in nats per token of the reply.

    The end of a reply counts as a token, as in training. A reply without a token has 0.

    Args:
        model: Causal language model of transformers.
        tokenizer: Tokenizer of the model.
        replies: Pairs of a conversation and a reply to it.
        max_length: Longest conversation with reply, in tokens; longer ones are cut as in training.
    """
    encoded = [encode(tokenizer, prompt, reply, max_length) for prompt, reply in replies]
    requests = [(list(e.input_ids[: e.n_prompt]), list(e.input_ids[e.n_prompt :])) for e in encoded]
    nll = [0.0] * len(replies)
    places = [place for place, (_, reply) in enumerate(requests) if reply]
    likelihoods = log_likelihoods(model, tokenizer, [requests[place] for place in places])
    for number, logs, _ in likelihoods:
        nll[places[number]] = -float(logs.mean())
    return nll


def log_likelihoods(
    model: Any, tokenizer: Any, requests: Sequence[tuple[Row, Row]]
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """Yield the log-likelihoods of the tokens of continuations.

    A prefix that several contexts share is read once, so that several replies to one prompt cost
    little more than one reply.

    Args:
        model: Causal language model of transformers, in the mode in which it is to be measured.
        tokenizer: Tokenizer of the model.
        requests: Context and continuation as token ids, at least one of each.

    Yields:
        The index of a request (requests are not answered in order); the log-likelihoods in nats,
        (tokens,) float32; and whether each token is the likeliest one, (tokens,).
    """
    # Requests with equal contexts go into one batch, and a batch has requests of similar length.
    longest: dict[tuple[int, ...], int] = defaultdict(int)
    for context, continuation in requests:
        longest[tuple(context)] = max(longest[tuple(context)], len(continuation))

    def order(index: int) -> tuple[int, Row, Row]:
        context, continuation = requests[index]
        return -len(context) - longest[tuple(context)], context, continuation

    batch: list[int] = []
    for index in sorted(range(len(requests)), key=order):
        width = max(sum(map(len, requests[row])) for row in (*batch, index))
        if batch and (len(batch) == MAX_ROWS or (len(batch) + 1) * width > MAX_TOKENS):
            yield from _read(model, tokenizer, requests, batch)
            batch = []
        batch.append(index)
    if batch:
        yield from _read(model, tokenizer, requests, batch)


@torch.inference_mode()
def _read(
    model: Any, tokenizer: Any, requests: Sequence[tuple[Row, Row]], batch: Sequence[int]
) -> list[tuple[int, torch.Tensor, torch.Tensor]]:
    # The last token is predicted and is itself no input.
    rows = [(requests[index][0] + requests[index][1])[:-1] for index in batch]
    lengths = [len(requests[index][1]) for index in batch]
    kinds = [0] * len(rows) if can_share(model) else range(len(rows))
    plan = levels(rows, kinds, max(lengths), a_pass=pass_in_tokens(model.device))
    logits = read(model, plan, tokenizer.pad_token_id or 0, keep=lengths, cache=False).logits
    answers = []
    for index, row_logits in zip(batch, torch.split(logits, lengths), strict=True):
        tokens = torch.tensor(requests[index][1], device=logits.device)
        exact = row_logits.float()
        logs = exact.gather(1, tokens[:, None])[:, 0] - exact.logsumexp(-1)
        answers.append((index, logs, row_logits.argmax(-1) == tokens))
    return answers
