"""The tokens by which a tokenizer writes ratings, and their probabilities."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from social_sandbox.envs.rules.turns import MIN_RATING

from ...prompts.prompts import PREFILL


@dataclass(frozen=True, slots=True)
class RatingTokens:
    """The tokens of every rating on a scale, as written behind `PREFILL` and `lead`.

    Attributes:
        lead: Text between `PREFILL` and the number: empty or a blank.
        ids: Token ids of each rating, from the lowest. A rating has one token; only 10 may have
            two, that of 1 and that of 0.
    """

    lead: str
    ids: tuple[tuple[int, ...], ...]

    @property
    def probe(self) -> tuple[int, ...]:
        """The tokens to read behind the prompt: the 1 of a 10 of two tokens, or none."""
        return self.ids[-1][:-1]

    def shares(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the probabilities of the ratings, given that the model writes one of them.

        Args:
            logits: Logits behind the prompt and behind the probe, of shape
                (batch, 1 + len(probe), vocabulary).

        Returns:
            A tensor of shape (batch, ratings), float64.
        """
        first = [ids[0] for ids in self.ids]
        whole = len(first) - len(self.probe)
        shares = logits[:, 0, first[:whole]].double().softmax(-1)
        if not self.probe:
            return shares
        zero = logits[:, 1].double().softmax(-1)[:, self.ids[-1][-1]]
        ten = shares[:, 0] * zero
        shares[:, 0] -= ten
        return torch.cat([shares, ten[:, None]], dim=1)


def rating_tokens(ids_of: Callable[[str], list[int]], rating_scale: int) -> RatingTokens | None:
    """Return the tokens of the ratings on 1..`rating_scale`.

    Args:
        ids_of: Returns the token ids of a text.
        rating_scale: The highest rating.

    Returns:
        The tokens, or None if the tokenizer splits a number into other tokens.
    """
    for lead in ("", " "):
        prefix = ids_of(PREFILL + lead)
        spelled = [ids_of(f"{PREFILL} {n}") for n in range(MIN_RATING, rating_scale + 1)]
        if any(ids[: len(prefix)] != prefix for ids in spelled):
            continue
        ids = tuple(tuple(ids[len(prefix) :]) for ids in spelled)
        *others, last = ids
        if all(len(one) == 1 for one in others) and (len(last) == 1 or last[:-1] == others[0]):
            return RatingTokens(lead, ids)
    return None
