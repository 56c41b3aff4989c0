"""How a tokenizer writes ratings, and what a model's logits say about them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from social_sandbox.envs.turns import MIN_RATING

from ..prompts.prompts import PREFILL


@dataclass(frozen=True, slots=True)
class RatingTokens:
    """The tokens of every rating on a scale, to be written after `PREFILL` and `lead`.

    `ids` has one tuple a rating, from the lowest: of one token, or for 10 perhaps of two, the
    token of 1 and that of 0. `probe` is what to read behind the prompt for all of it at once.
    """

    lead: str
    ids: tuple[tuple[int, ...], ...]

    @property
    def probe(self) -> tuple[int, ...]:
        """The 1 that a 10 begins with; nothing where one token holds it."""
        return self.ids[-1][:-1]

    def shares(self, logits: torch.Tensor) -> torch.Tensor:
        """Probabilities of the ratings, (batch, ratings) float64, given that one is said.

        Args:
            logits: (batch, 1 + len(probe), vocabulary) behind the prompt, and behind the probe.
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
    """How the tokenizer behind `ids_of` writes 1..`rating_scale`; None where it cannot be read."""
    for lead in ("", " "):
        before = ids_of(PREFILL + lead)
        written = [ids_of(f"{PREFILL} {n}") for n in range(MIN_RATING, rating_scale + 1)]
        if any(ids[: len(before)] != before for ids in written):
            continue
        ids = tuple(tuple(ids[len(before) :]) for ids in written)
        *short, last = ids
        if all(len(own) == 1 for own in short) and (len(last) == 1 or last[:-1] == short[0]):
            return RatingTokens(lead, ids)
    return None
