"""One Back-Scatter of a learner, as one row of tokens."""

from collections.abc import Mapping
from dataclasses import dataclass

from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import Phase


@dataclass(frozen=True, slots=True)
class Span:
    """What the learner wrote in one turn: the tokens `start` to `end` of a row.

    Attributes:
        phase: `draft`, `revise` or, for a critic, `feedback`.
        start: Place of the first token in the row.
        end: Place behind the last token.
        text: What the society heard: without thoughts and without a sentence that was cut off.
        cut_off: Whether the limit of tokens has ended the text.
        reward: What the utterance is credited with; None: its ratings are missing.
    """

    phase: Phase
    start: int
    end: int
    text: str
    cut_off: bool
    reward: float | None = None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A row of tokens: what the learner read and wrote in one Back-Scatter, and the reward.

    A row of a social agent is the prompt of the draft, the draft, the prompt of the revision (with
    the feedback of the peers), and the revision. The model wrote each token behind exactly those
    that stand before it in the row.

    Attributes:
        token_ids: The ids of the row.
        mask: For each token, 1 where the learner wrote it, 0 where it is what others said.
        logprobs: For each token, its log-probability when it was sampled; 0.0 where `mask` is 0.
        n_prompt: Number of tokens before the learner's first one.
        spans: The learner's utterances.
        reward: The weighted sum of `rewards`; None where one of them is missing, which is no
            reward of 0: such a row teaches nothing and should be left out.
        rewards: The unweighted rewards by name.
        seed: Seed of the world.
        question: The question.
        interaction: The record of the Back-Scatter.
    """

    token_ids: tuple[int, ...]
    mask: tuple[int, ...]
    logprobs: tuple[float, ...]
    n_prompt: int
    spans: tuple[Span, ...]
    reward: float | None
    rewards: Mapping[str, float | None]
    seed: int
    question: str
    interaction: Interaction
