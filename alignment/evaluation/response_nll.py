"""How likely a model finds a response: the mean log-likelihood per response token."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from social_sandbox.envs.messages import Message
from social_sandbox.policies.huggingface.attention import can_share
from social_sandbox.policies.huggingface.batches import pass_in_tokens
from social_sandbox.policies.huggingface.prefixes import Row, levels, read

from ..training.encoding import encode

MAX_ROWS = 48
MAX_TOKENS = 12_288
"""Of one batch, padding included."""


def response_nll(
    model: Any,
    tokenizer: Any,
    replies: Sequence[tuple[Sequence[Message], str]],
    *,
    max_length: int,
) -> list[float]:
    """Return the mean negative log-likelihood of each (prompt, response), in nats per token.

    The end of the response counts as a token, as in training. 0 for a response without a token.
    """
    encoded = [encode(tokenizer, prompt, response, max_length) for prompt, response in replies]
    asked = [(list(e.input_ids[: e.n_prompt]), list(e.input_ids[e.n_prompt :])) for e in encoded]
    nll = [0.0] * len(replies)
    spoken = [at for at, (_, response) in enumerate(asked) if response]
    found = token_logs(model, tokenizer, [asked[at] for at in spoken])
    for place, likely, _ in found:
        nll[spoken[place]] = -float(likely.mean())
    return nll


def token_logs(
    model: Any, tokenizer: Any, asked: Sequence[tuple[Row, Row]]
) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
    """How likely each token of some continuations is.

    What contexts begin with is read once for all of them, so that the replies to one prompt cost
    little more than one.

    Args:
        model: a causal language model of transformers, in the state in which it is asked.
        tokenizer: the model's.
        asked: context and continuation as token ids, at least one of each.

    Yields:
        The place of a continuation in `asked` (they do not come in order); (tokens,) float32
        log-likelihoods in nats; (tokens,) whether the model finds each the likeliest.
    """
    # Alike contexts stand side by side, in batches of about the same length.
    longest: dict[tuple[int, ...], int] = defaultdict(int)
    for context, continuation in asked:
        longest[tuple(context)] = max(longest[tuple(context)], len(continuation))

    def place(at: int) -> tuple[int, Row, Row]:
        context, continuation = asked[at]
        return -len(context) - longest[tuple(context)], context, continuation

    batch: list[int] = []
    for at in sorted(range(len(asked)), key=place):
        width = max(sum(map(len, asked[row])) for row in (*batch, at))
        if batch and (len(batch) == MAX_ROWS or (len(batch) + 1) * width > MAX_TOKENS):
            yield from _read(model, tokenizer, asked, batch)
            batch = []
        batch.append(at)
    if batch:
        yield from _read(model, tokenizer, asked, batch)


@torch.inference_mode()
def _read(
    model: Any, tokenizer: Any, asked: Sequence[tuple[Row, Row]], batch: Sequence[int]
) -> list[tuple[int, torch.Tensor, torch.Tensor]]:
    # The last token is asked for, and never read.
    rows = [(asked[at][0] + asked[at][1])[:-1] for at in batch]
    wanted = [len(asked[at][1]) for at in batch]
    kinds = [0] * len(rows) if can_share(model) else range(len(rows))
    plan = levels(rows, kinds, max(wanted), a_pass=pass_in_tokens(model.device))
    logits = read(model, plan, tokenizer.pad_token_id or 0, keep=wanted, cache=False).logits
    found = []
    for at, own in zip(batch, torch.split(logits, wanted), strict=True):
        tokens = torch.tensor(asked[at][1], device=logits.device)
        exact = own.float()
        likely = exact.gather(1, tokens[:, None])[:, 0] - exact.logsumexp(-1)
        found.append((at, likely, own.argmax(-1) == tokens))
    return found
