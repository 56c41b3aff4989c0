"""Which of some lettered choices a model finds likeliest, as its server tells it."""

import math
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Protocol, runtime_checkable

from social_sandbox.envs.turns import Turn, Utterance

from ..policy import AsyncPolicy
from .client import Position

LEAST = 0.5
"""Where letters have less of the probability, the answer does not begin with one."""
_AROUND = " \t\r\n*_`'\"()[].:"


@runtime_checkable
class ChoosesLetters(AsyncPolicy, Protocol):
    """A policy that may know how likely each letter was."""

    async def choose(self, turn: Turn, n: int) -> tuple[Utterance, dict[str, float]]:
        """The answer to a turn that asks for one of n letters, and their log-probabilities.

        These are as `letter_logprobs` says; none where nobody tells them.
        """
        ...


def letter_logprobs(logprobs: Sequence[Position], n: int) -> dict[str, float]:
    """Log-probabilities in nats of the first n letters as the first token, from A.

    They are renormalised over the letters that the server tells of; blanks, quotes and brackets
    before the first token are passed over. Empty where letters have less than `LEAST` there.
    """
    for position in logprobs:
        if not position.token.strip(_AROUND):
            continue
        shares: dict[str, float] = {}
        for token, logprob in position.top.items():
            letter = token.strip(_AROUND)
            if len(letter) == 1 and letter in ascii_uppercase[:n]:
                shares[letter] = shares.get(letter, 0.0) + math.exp(logprob)
        total = sum(shares.values())
        if total < LEAST:
            return {}
        return {a: math.log(share / total) for a, share in sorted(shares.items()) if share > 0}
    return {}
