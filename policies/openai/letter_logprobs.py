"""The log-probabilities of lettered choices, as a server sends them."""

import math
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Protocol, runtime_checkable

from social_sandbox.envs.rules.turns import Turn, Utterance

from ..policy import AsyncPolicy
from .http.replies import TokenLogprobs

LEAST = 0.5
"""The least probability of all letters together for a reply that begins with a letter."""

_AROUND = " \t\r\n*_`'\"()[].:"


@runtime_checkable
class ChoosesLetters(AsyncPolicy, Protocol):
    """A policy that may know the probability of each letter."""

    async def choose(self, turn: Turn, n: int) -> tuple[Utterance, dict[str, float]]:
        """Answer a turn that asks for one of the first n letters.

        Returns:
            The answer, and the log-probability of each letter as `letter_logprobs` returns them;
            empty if the server sends none.
        """
        ...


def letter_logprobs(logprobs: Sequence[TokenLogprobs], n: int) -> dict[str, float]:
    """Return the log-probabilities, in nats, of the first n letters as the first token.

    The probabilities are renormalised over the letters that the server sends. Blanks, quotes and
    brackets before the first token are skipped. The result is empty if the letters have less than
    `LEAST` of the probability together.
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
        return {
            letter: math.log(share / total) for letter, share in sorted(shares.items()) if share > 0
        }
    return {}
