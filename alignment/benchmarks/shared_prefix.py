"""lm-eval's Hugging Face model, which reads what requests begin with once for all of them."""

from collections.abc import Sequence
from typing import Any

import torch
from lm_eval.models.huggingface import HFLM

from social_sandbox.policies.batches import pass_in_tokens
from social_sandbox.policies.prefixes import can_share, levels, read

Request = tuple[tuple[str, str], list[int], list[int]]
"""The texts, the tokens of the context, and those of the continuation."""

MAX_ROWS = 48
MAX_TOKENS = 12_288


class SharedPrefixLM(HFLM):  # type: ignore[misc]
    """The choices of one item share its context, and items share instructions before it.

    Log-likelihoods are those of HFLM up to the rounding of another batch, with float32 sums.
    """

    def _loglikelihood_tokens(
        self,
        requests: list[Request],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[tuple[float, bool]]:
        """The log-likelihood of each continuation, in nats, and whether it is the greedy one."""
        # Alike contexts stand side by side, in batches of about the same length.
        order = sorted(
            range(len(requests)), key=lambda at: (-len(requests[at][1]), requests[at][1:])
        )
        found: dict[int, tuple[float, bool]] = {}
        batch: list[int] = []
        for at in order:
            width = max(len(requests[row][1]) + len(requests[row][2]) for row in (*batch, at))
            if batch and (len(batch) == MAX_ROWS or (len(batch) + 1) * width > MAX_TOKENS):
                found |= self._scored(requests, batch)
                batch = []
            batch.append(at)
        if batch:
            found |= self._scored(requests, batch)
        return [found[at] for at in range(len(requests))]

    @torch.inference_mode()
    def _scored(
        self, requests: Sequence[Request], batch: Sequence[int]
    ) -> dict[int, tuple[float, bool]]:
        continuations = [requests[at][2] for at in batch]
        rows = [(requests[at][1] + requests[at][2])[-(self.max_length + 1) :][:-1] for at in batch]
        keep = max(map(len, continuations))
        model: Any = self.model
        kinds = [0] * len(rows) if can_share(model) else range(len(rows))
        plan = levels(rows, kinds, keep, a_pass=pass_in_tokens(self.device))
        pad = self.tokenizer.pad_token_id or 0
        logits = read(model, plan, pad, keep=keep, cache=False).logits
        found = {}
        for place, at, tokens in zip(range(len(batch)), batch, continuations, strict=True):
            own = torch.log_softmax(logits[place, -len(tokens) :].float(), dim=-1)
            wanted = torch.tensor(tokens, device=own.device)
            likely = own.gather(1, wanted[:, None]).sum()
            found[at] = (float(likely), bool((own.argmax(-1) == wanted).all()))
        return found
