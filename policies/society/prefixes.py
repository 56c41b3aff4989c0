"""How much of a society's prompts a server's prefix cache can serve.

A prefix cache keeps what a server has computed for the beginnings of prompts, in blocks of tokens
(of 16, with vLLM). A block is served from the cache if a prompt before had the same text up to its
end. The share of such blocks does not depend on the order of the prompts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from social_sandbox.envs.rules.interactions import Answer, Feedback, Interaction, Observation
from social_sandbox.envs.text.messages import Message

from ..prompts.prompts import prompt_for
from ..prompts.recorded import turns_of

_BLOCK = 64
"""Characters of a block: about 16 tokens."""

_MOST = 2_000
"""The number of interactions that are looked at, which bounds time and memory."""


@dataclass
class SharedPrefixes:
    """Counts how much of some prompts repeats the beginnings of others.

    Attributes:
        total: Characters of all prompts.
        shared: Characters in whole blocks whose beginning another prompt has had before.
    """

    total: int = 0
    shared: int = 0
    _seen: set[int] = field(default_factory=set, repr=False)

    def add(self, messages: Sequence[Message]) -> None:
        """Count a prompt."""
        text = "".join(f"{message.role}\n{message.content}\n" for message in messages)
        self.total += len(text)
        place = 0
        for start in range(0, len(text) - _BLOCK + 1, _BLOCK):
            place = hash((place, text[start : start + _BLOCK]))
            if place in self._seen:
                self.shared += _BLOCK
            else:
                self._seen.add(place)

    @property
    def share(self) -> float:
        """The share of the characters that are shared, from 0 to 1."""
        return self.shared / self.total if self.total else 0.0


def shared_prefixes(interactions: Iterable[Interaction]) -> dict[str, float]:
    """Return the share of shared prefixes in the prompts of each policy that reads prompts.

    The share is an estimate: of the first 2,000 interactions, from the characters of the usual
    prompts, as if the cache was never full.
    """
    policies: dict[str, SharedPrefixes] = {}
    for one in islice(interactions, _MOST):
        answers: list[Answer | Feedback | Observation] = [one.draft, one.revision]
        answers += [*one.feedback, *one.observations]
        reads = {answer.policy for answer in answers if answer.tokens.prompt}
        if not reads:
            continue
        for turn, policy in turns_of(one):
            if policy in reads:
                policies.setdefault(policy, SharedPrefixes()).add(prompt_for(turn).messages)
    return {name: round(counted.share, 4) for name, counted in sorted(policies.items())}
